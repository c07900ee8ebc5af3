import { availableParallelism } from "node:os";
import { groups } from "../base/groups";
import type { BenchmarkData } from "../benchmarks";
import type { LoadOptions } from "../client";
import { decodeRows } from "./decode/decode_rows";
import { Crew, type StartWorker } from "./decode/workers";
import { planCells, rowTask } from "./plan";
import type { Cell } from "./space/cells";

/** What a sweep would do, and what it would take. */
export interface Estimate {
  cells: number;
  /** Images or questions. */
  items: number;
  images: number;
  rows: number;
  /** Rows that go on from the prefill of another. */
  prefillsSaved: number;
  /** That the workers compute on. */
  devices: number;
  /** From a probe of two images under every cell, and as if workers that share a device were no faster than one. */
  seconds: number;
  /** As if they did not slow each other down. */
  secondsAtBest: number;
  /** Memory of all workers together while they decode. */
  bytes: number;
  tokensPerSecond: number;
}

/** Images that are decoded to know how long one takes. */
const probed = 2;

/** Decodes two images under every cell, and records nothing. @throws as `sweep` */
export async function estimate(
  cells: readonly Cell[],
  data: BenchmarkData,
  workers: readonly StartWorker[],
  load: LoadOptions = {},
  batchSize: number | "auto" = "auto",
): Promise<Estimate> {
  await using crew = new Crew(workers.slice(0, 1), load);
  const devices = new Set(workers.map(({ device }, i) => device ?? i));
  const images = [...new Set(data.items.map(({ image }) => image))];
  const samples = new Set(images.slice(0, probed));
  const items = data.items.filter(({ image }) => samples.has(image));
  const total = { cells: 0, seconds: 0, tokens: 0, bytes: 0, prefills: 0 };
  for (const group of groups(cells, ({ settings }) => settings.checkpoint ?? "")) {
    const [holder] = await crew.load(group[0]!.settings.checkpoint!);
    const planned = planCells(group, holder!.model, data);
    const tasks = items.flatMap((item) => planned.map((cell) => rowTask(cell, item, data)));
    const started = performance.now();
    for await (const { tokens } of decodeRows(holder!.model, tasks, {
      batchSize,
      probes: data.probes,
      signal: undefined,
    }))
      total.tokens += typeof tokens === "number" ? tokens : 0;
    total.seconds += (performance.now() - started) / 1000;
    total.bytes = Math.max(total.bytes, await crew.memory());
    total.cells += planned.length;
    const prompts = groups(tasks, ({ request: { image, prompt, template } }) =>
      JSON.stringify([image, prompt, template]),
    );
    total.prefills += (prompts.length / items.length) * data.items.length;
  }
  const rows = total.cells * data.items.length;
  const seconds = (total.seconds * data.items.length) / items.length; // of one worker
  const cores =
    (await crew.first())?.info.device === "cpu" ? availableParallelism() : Number.POSITIVE_INFINITY;
  return {
    ...{ cells: total.cells, items: data.items.length, images: images.length, rows },
    prefillsSaved: rows - total.prefills,
    devices: devices.size,
    seconds: seconds / devices.size,
    secondsAtBest: seconds / Math.max(devices.size, Math.min(workers.length, cores)),
    bytes: total.bytes * workers.length,
    tokensPerSecond: total.tokens / total.seconds,
  };
}
