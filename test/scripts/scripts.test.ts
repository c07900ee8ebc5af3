import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { PNG } from "pngjs";
import { afterAll, expect, test } from "vitest";

const root = join(__dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "scripts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (script: string, ...args: string[]) =>
  execa("node", [join(root, "node_modules/ts-node/dist/bin.js"), `scripts/${script}.ts`, ...args], {
    cwd: root,
  });

test("the demo streams a pair, tables every setting and leaves captions and a picture", async () => {
  const { stdout } = await run("demo", "--images", "3", "--out", folder);
  expect(stdout).toMatch(/plain {2,}AAI, alpha/);
  for (const setting of ["plain", "AAI, alpha 0.05", "AAI, alpha 0.1", "AAI, alpha 0.2", "AAI, alpha 0.3"]) {
    expect(stdout).toMatch(new RegExp(`^${setting} .*\\d`, "m"));
  }
  const captions = readFileSync(join(folder, "captions.plain.jsonl"), "utf8").trim().split("\n");
  expect(captions.map((line) => Object.keys(JSON.parse(line)))).toEqual(
    Array(3).fill(["image_id", "caption"]),
  );
  const picture = PNG.sync.read(readFileSync(join(folder, "overlay.png")));
  expect(picture.width).toBeGreaterThan(1000);
  expect(stdout).toMatch(/4 strengths × 3 ranges[\s\S]*^alpha 0\.1, layers 2-6 +3 /m);
  expect(existsSync(join(folder, "sweep/report/heat-map.png"))).toBe(true);
});

test("chair_eval captions a folder with the flags of the authors' script", async () => {
  const savePath = join(folder, "captions.jsonl");
  const flags = [
    "--model",
    "demo",
    "--data-path",
    "demo/data/val2014",
    "--use-aai",
    "--alpha",
    "0.1",
    "--beta",
    "1",
  ];
  await run(
    "chair_eval",
    ...flags,
    "--start-layer",
    "2",
    "--end-layer",
    "6",
    "--beam",
    "1",
    "--num-images",
    "3",
    "--save-path",
    savePath,
  );
  const lines = readFileSync(savePath, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({ image_id: expect.any(Number), caption: expect.stringMatching(/\w+ \w+/) });
});

test("sweep_alpha_layers leaves a table and figures", async () => {
  const out = join(folder, "alpha-layers");
  const { stdout } = await run("sweep_alpha_layers", "--images", "2", "--out", out);
  expect(stdout).toMatch(/^plain \(baseline\) +2 /m);
  expect(stdout.match(/^alpha 0\.[123], layers /gm)).toHaveLength(9);
  for (const name of ["heat-map.png", "lines.svg", "pareto.png", "table.tex"])
    expect(existsSync(join(out, "report", name))).toBe(true);
  const samples = readFileSync(join(out, "samples.jsonl"), "utf8");
  expect(samples.trimEnd().split("\n")).toHaveLength(20);
});

test("reproduce_released runs CHAIR and POPE's three splits, plain and with AAI", async () => {
  const out = join(folder, "released");
  const { stdout } = await run("reproduce_released", "--images", "3", "--out", out);
  expect(stdout).toMatch(/CHAIR, greedy search:[\s\S]*^plain \(baseline\) +3 [\s\S]*^aai +3 /m);
  expect(stdout).toMatch(/POPE with OPERA's flags[\s\S]*^plain \(baseline\) +54 [\s\S]*^aai warmup -1 +54 /m);
  const sweep = JSON.parse(readFileSync(join(out, "pope/experiment.json"), "utf8"));
  expect(sweep.cells[0].settings.search).toMatchObject({ method: "opera", numBeams: 5, scaleFactor: 50 });
});

test("own_method loads its plug-in file, and what it declares acts", async () => {
  const image = "demo/data/val2014/COCO_val2014_000000001535.png";
  const { stdout } = await run("own_method", "--image", image, "--alpha", "0.2");
  expect(stdout).toMatch(/^attention focus: AAI on patches/m);
  const [plain, focus] = ["plain", "focus"].map(
    (name) => new RegExp(`^${name}: (.+)`, "m").exec(stdout)?.[1],
  );
  expect(plain).toMatch(/\w+ \w+/);
  expect(focus).not.toBe(plain);
  expect(stdout).toMatch(/focus acted in [1-9]\d* steps, on layers 2, 3, 4, 5/);
  expect(stdout).toMatch(/doubt combined [1-9]\d* steps, changed [1-9]/);
});

test("attention_maps writes the picture and the arrays", async () => {
  await run(
    "attention_maps",
    "--image",
    "demo/data/val2014/COCO_val2014_000000001011.png",
    "--alpha",
    "0.1",
    "--out",
    folder,
  );
  for (const name of ["overlay.png", "plain.safetensors", "edited.safetensors"]) {
    expect(existsSync(join(folder, name))).toBe(true);
  }
});
