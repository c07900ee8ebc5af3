import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { modelSource } from "../../src/cli/options/model";
import { startWorker } from "../../src/client";
import { findPython } from "../../src/environment/python";
import { pai } from "../../src/methods";
import { resolveAttention } from "../../src/methods/registry";

const root = join(__dirname, "../..");
const image = "demo/data/val2014/COCO_val2014_000000001011.png";
const folder = mkdtempSync(join(tmpdir(), "convert-"));
const config = join(folder, "config");
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => runWith({}, ...args);

const runWith = (env: Record<string, string>, ...args: string[]) =>
  execa("node", [inject("aai"), ...args], {
    cwd: root,
    reject: false,
    env: { XDG_CONFIG_HOME: config, ...env },
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

/** Environment of a conversion that writes small files, and waits so many seconds after each. */
function slowed(seconds: number): Record<string, string> {
  const patches = join(folder, "patches");
  mkdirSync(patches, { recursive: true });
  writeFileSync(
    join(patches, "sitecustomize.py"),
    [
      "import os, time",
      "from aai_worker.checkpoints import writer",
      "save, writer.SHARD_BYTES = writer.save_file, 32 << 10",
      "def slow(*given, **options):",
      "    save(*given, **options)",
      '    time.sleep(float(os.environ["SLOWED"]))',
      "writer.save_file = slow",
    ].join("\n"),
  );
  return { PYTHONPATH: patches, SLOWED: String(seconds) };
}

test("interrupted, a conversion goes on; what was converted is found by its name, and is what PAI's paper knows", {
  timeout: 120_000,
}, async () => {
  const out = join(folder, "out");
  const command = ["convert", "shikra", ...shikra, "--out", out];
  const partial = (ending: string) =>
    existsSync(`${out}.partial`) ? readdirSync(`${out}.partial`).filter((name) => name.endsWith(ending)) : [];
  const told = /^aai: Interrupted; the same command goes on where this one ended\.$/m;

  const first = runWith(slowed(0.5), ...command);
  while (partial(".safetensors").length < 2) await sleep(20);
  first.kill("SIGINT");
  expect(await first).toMatchObject({ exitCode: 130, stdout: "", stderr: expect.stringMatching(told) });
  const [shard] = partial(".safetensors").sort();
  const { ino } = statSync(join(`${out}.partial`, shard!));

  const started = Date.now();
  const stuck = runWith(slowed(600), ...command);
  const writing = (name: string) =>
    (statSync(join(`${out}.partial`, name), { throwIfNoEntry: false })?.mtimeMs ?? 0) > started;
  while (!partial(".unfinished").some(writing)) await sleep(20);
  const [child] = spawnSync("pgrep", ["-P", String(stuck.pid)], { encoding: "utf8" }).stdout.split("\n");
  expect(child).toMatch(/^\d+$/);
  process.kill(Number(child), "SIGSTOP"); // will not leave when asked
  stuck.kill("SIGTERM");
  await sleep(100);
  stuck.kill("SIGTERM");
  expect(await stuck).toMatchObject({ exitCode: 143, stdout: "", stderr: expect.stringMatching(told) });
  expect(existsSync(out)).toBe(false);

  const { stdout, stderr, exitCode } = await runWith(slowed(0), ...command);
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain(out);
  expect(stderr).toMatch(/writing MB {2}1\/1/);
  expect(readdirSync(out)).toContain("conversion.json");
  expect(statSync(join(out, shard!)).ino).toBe(ino);

  vi.stubEnv("XDG_CONFIG_HOME", config);
  await using worker = await startWorker();
  const model = await worker.load("shikra");
  expect(model.description.family).toBe("shikra");
  expect(resolveAttention(pai(), model.description)).toMatchObject({ alpha: 0.6 });
  expect(worker.info.families).toEqual(expect.arrayContaining(["llava", "minigpt4", "shikra"]));
  const { tokenIds } = await model.generate({ image: join(root, image), prompt: "What is this?" }).result();
  expect(tokenIds.length).toBeGreaterThan(0);
  expect(modelSource({ model: "shikra" })).toBe(out);
  expect(modelSource({ model: "minigpt4", "model-path": "/elsewhere" })).toBe("/elsewhere");
});

const minigpt4 = ["--model-path", join(folder, "minigpt4"), "--alpha", "0.3", "--max-new-tokens", "8"];
const few = ["--num-images", "2", "--out"];

test.each([
  ["generate", ["--image", image], ""],
  ["chair-eval", [...few, join(folder, "captions")], ""],
  ["sweep", [...few, join(folder, "sweep")], " in the cell (aai)"],
])(
  "%s tells of a reference that aligns with nothing",
  { timeout: 120_000 },
  async (command, options, where) => {
    const { stdout, stderr, exitCode } = await run(command, ...options, ...minigpt4);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).not.toBe("");
    expect(stdout).not.toContain("the same value");
    const notes = stderr.split("\n").filter((line) => line.startsWith("aai: "));
    expect(notes).toEqual([
      `aai: the vision reference has the same value for every image token${where}, so the edit aligned with nothing; --reference-mode corrected takes what was meant.`,
    ]);
  },
);
