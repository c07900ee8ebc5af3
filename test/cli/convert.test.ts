import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { modelSource } from "../../src/cli/options";
import { startWorker } from "../../src/client";
import { findPython } from "../../src/environment/python";
import { pai } from "../../src/methods";
import { resolvePai } from "../../src/methods/attention/pai";

const root = join(__dirname, "../..");
const image = "demo/data/val2014/COCO_val2014_000000001011.png";
const folder = mkdtempSync(join(tmpdir(), "convert-"));
const config = join(folder, "config");
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  execa("node", ["-r", "ts-node/register/transpile-only", "src/cli/main.ts", ...args], {
    cwd: root,
    reject: false,
    env: { XDG_CONFIG_HOME: config },
  });

const paths = (model: string, ...names: string[]) =>
  names.flatMap((name) => [`--${name}`, join(folder, model, name)]);
const shikra = paths("shikra", "delta", "base").concat("--vision", join(folder, "shikra", "clip"));

beforeAll(() => {
  const script = [
    "import sys, pathlib, converted, published",
    "folder = pathlib.Path(sys.argv[1])",
    'published.shikra(folder / "shikra")',
    'files = dict(zip(("vision", "qformer", "projector", "llm"), published.minigpt4(folder / "files")))',
    'converted.convert("minigpt4", folder / "minigpt4", **files)',
  ].join("\n");
  const { stderr, status } = spawnSync(findPython().python, ["-c", script, folder], {
    env: {
      ...process.env,
      PYTHONPATH: [join(root, "python"), join(root, "python", "tests")].join(delimiter),
    },
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
});

test("--help names the models, and for each its files with their sizes", async () => {
  const all = await run("convert", "--help");
  for (const model of ["llava-1.5", "minigpt4", "shikra"])
    expect(all.stdout).toContain(`aai convert ${model}`);
  const one = await run("convert", "minigpt4", "--help");
  for (const part of ["--qformer", "eva_vit_g.pth", "13.5 GB", "[required]"])
    expect(one.stdout).toContain(part);
});

test.each([
  ["no model", ["convert"], "Name a model: llava-1.5, minigpt4, shikra.", 2],
  ["a missing file option", ["convert", "shikra", "--delta", "x"], "base, vision, out", 2],
  ["a name without its folder", ["generate", "--image", image, "--model", "minigpt4"], "eva_vit_g.pth", 1],
])("%s: a sentence", async (_, args, part, code) => {
  const { stderr, exitCode } = await run(...args);
  expect(stderr).toContain(part);
  expect(stderr).not.toContain("    at ");
  expect(exitCode).toBe(code);
});

test("what was converted is found by its name, and is what PAI's paper knows", {
  timeout: 120_000,
}, async () => {
  const out = join(folder, "out");
  const { stdout, stderr, exitCode } = await run("convert", "shikra", ...shikra, "--out", out);
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain(out);
  expect(stderr).toMatch(/writing MB {2}1\/1/);
  expect(readdirSync(out)).toContain("conversion.json");

  vi.stubEnv("XDG_CONFIG_HOME", config);
  await using worker = await startWorker();
  const model = await worker.load("shikra");
  expect(model.description.family).toBe("shikra");
  expect(resolvePai(pai(), model.description).alpha).toBe(0.6);
  expect(worker.info.families).toEqual(expect.arrayContaining(["llava", "minigpt4", "shikra"]));
  const { tokenIds } = await model.generate({ image: join(root, image), prompt: "What is this?" }).result();
  expect(tokenIds.length).toBeGreaterThan(0);
  expect(modelSource({ model: "shikra" })).toBe(out);
  expect(modelSource({ model: "minigpt4", "model-path": "/elsewhere" })).toBe("/elsewhere");
});

test("a reference that aligns with nothing is told", { timeout: 120_000 }, async () => {
  const named = [
    "generate",
    "--image",
    image,
    "--model",
    "minigpt4",
    "--model-path",
    join(folder, "minigpt4"),
  ];
  const { stdout, stderr, exitCode } = await run(...named, "--alpha", "0.3", "--max-new-tokens", "8");
  expect(exitCode, stderr).toBe(0);
  expect(stdout).not.toBe("");
  expect(stderr).toContain("the same value for every image token");
});
