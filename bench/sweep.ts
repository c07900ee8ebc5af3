/**
 * What the sweep engine gains over the authors' way (`python -m aai_worker.bench`), on the demo's checkpoint and on two
 * layers of LLaVA-1.5-7B's width; and what an image costs as cells are added, drawn into `docs/sweep_cost.png`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../src/base/package_root";
import { findPython } from "../src/environment/python";
import { lineChart } from "../src/report/charts/line_chart";
import { writePng } from "../src/report/svg";

const root = packageRoot();
const wide =
  "--random-layers 2 --image-count 2 --baseline-images 1 --tokens 16 --batch-size 32 --repeats 1".split(" ");

/** Seconds an image takes with so many cells. */
type Curve = [cells: number, seconds: number][];

const shortSettings = "--image-count 2 --baseline-images 1 --cells 2 --tokens 4 --repeats 1".split(" ");

/** @param short two cells and two images, nothing drawn: whether it runs, not what it tells */
export async function benchSweep(short: boolean): Promise<void> {
  if (short) return bench(shortSettings);
  const folder = mkdtempSync(join(tmpdir(), "aai-bench-"));
  const file = join(folder, "curve.json");
  try {
    await bench(["--curve", file]);
    await bench(wide);
    await draw(JSON.parse(readFileSync(file, "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bench(args: readonly string[]): Promise<void> {
  const { execa } = await import("execa");
  const env = { PYTHONPATH: join(root, "python") };
  await execa(findPython().python, ["-m", "aai_worker.bench", ...args], { env, stdio: "inherit" });
}

async function draw(curve: Curve): Promise<void> {
  const [[, one]] = curve as [Curve[number]];
  const points = curve.map(([cells, seconds]) => ({ x: cells, y: seconds / one, interval: null }));
  const svg = lineChart({
    title: "An image under more and more cells",
    xLabel: "cells",
    yLabel: "time, × one cell",
    series: [{ name: "demo checkpoint, CPU", points }],
    notes: [`Cell by cell, ${curve.at(-1)![0]} would take ${curve.at(-1)![0]} times as long.`],
  });
  await writePng(join(root, "docs", "sweep_cost.png"), svg);
}
