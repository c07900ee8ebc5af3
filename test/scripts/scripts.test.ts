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
  const { stdout } = await run("demo", "--images", "3");
  expect(stdout).toMatch(/plain {2,}AAI, alpha/);
  for (const setting of ["plain", "AAI, alpha 0.05", "AAI, alpha 0.1", "AAI, alpha 0.2", "AAI, alpha 0.3"]) {
    expect(stdout).toMatch(new RegExp(`^${setting} .*\\d`, "m"));
  }
  const captions = readFileSync(join(root, "demo/output/captions.plain.jsonl"), "utf8").trim().split("\n");
  expect(captions.map((line) => Object.keys(JSON.parse(line)))).toEqual(
    Array(3).fill(["image_id", "caption"]),
  );
  const picture = PNG.sync.read(readFileSync(join(root, "demo/output/overlay.png")));
  expect(picture.width).toBeGreaterThan(1000);
});

test("chair_eval captions a folder with the seed's flags", async () => {
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
