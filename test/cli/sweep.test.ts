import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, inject, test, vi } from "vitest";
import yargs from "yargs";
import { sweepCommand } from "../../src/cli/commands/sweep";
import { estimateNote } from "../../src/cli/notes/estimate";
import { strict } from "../../src/cli/options/strict";
import { type SweepArguments, specOf, sweepOptions } from "../../src/cli/options/sweep";
import { readExperiment } from "../../src/experiments";
import { Plugin } from "../../src/methods";

const root = join(__dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "cli-sweep-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line in this process; what it prints. */
async function run(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const out = vi.spyOn(console, "log").mockImplementation(() => {});
  const err = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  const text = (calls: unknown[][]) => calls.map(([line]) => String(line));
  try {
    const parser = yargs(["sweep", ...args])
      .command(sweepCommand)
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      });
    await parser.parseAsync();
    return { stdout: text(out.mock.calls).join("\n"), stderr: text(err.mock.calls).join("") };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const spec = (...args: string[]) => specWith([], ...args);
const specWith = (plugins: Plugin[], ...args: string[]) =>
  specOf(
    yargs(args)
      .options(strict(sweepOptions))
      .positional("file", { type: "string" })
      .parseSync() as SweepArguments,
    plugins,
  );

test("flags become the file's words", () => {
  const flags = ["--alpha", "0:1:0.5", "--layers", "2-6,0-3", "--reference-mode", "released,corrected"];
  const more = [
    "--attention",
    "aai,pai",
    "--axis",
    "search.numBeams=2,5",
    "--search",
    "beam",
    "--random",
    "4",
  ];
  expect(spec(...flags, ...more, "--scheduler", "racing", "--out", "x", "--num-images", "7")).toMatchObject({
    grid: {
      attention: ["aai", "pai"],
      "attention.alpha": "0:1:0.5",
      "attention.layers": [
        [2, 6],
        [0, 3],
      ],
      "attention.mode": ["released", "corrected"],
      "search.numBeams": [2, 5],
    },
    base: { search: { method: "beam", numBeams: 5 } },
    data: { captions: { ids: { count: 7, seed: 927 } } },
    random: { count: 4, seed: 0 },
    scheduler: "racing",
    out: "x",
  });
});

test("flags say more than a file, or something else", () => {
  const file = join(folder, "sweep.yaml");
  writeFileSync(
    file,
    "grid: { attention.alpha: [0.1], attention.beta: [1] }\nbase: { search: beam }\nout: here",
  );
  const amended = spec("--file", file, "--alpha", "0.2");
  expect(amended).toMatchObject({ grid: { "attention.alpha": [0.2], "attention.beta": [1] }, out: "here" });
  expect(amended.base).toEqual({ search: "beam" });
  expect(amended.data).toBeUndefined();
  expect(spec("--file", file, "--contrast", "deco", "--out", "there")).toMatchObject({
    base: { contrast: { method: "deco", alpha: 0.6 }, search: "beam" },
    out: "there",
  });
});

test("flags about data add to the file's, or say instead", () => {
  const file = join(folder, "data.yaml");
  const captions = { images: "coco/val2014", annotations: "coco/annotations", ids: { count: 40, seed: 3 } };
  writeFileSync(file, JSON.stringify({ data: { captions } }));
  const dataOf = (...args: string[]) => spec("--file", file, ...args).data;
  expect(dataOf()).toEqual({ captions });
  expect(dataOf("--num-images", "3")).toEqual({ captions: { ...captions, ids: { count: 3, seed: 3 } } });
  expect(dataOf("--seed", "5")).toEqual({ captions: { ...captions, ids: { count: 40, seed: 5 } } });
  expect(dataOf("--ids", "demo")).toEqual({ captions: { ...captions, ids: "demo" } });
  expect(dataOf("--coco-path", "there")).toEqual({ captions: { ...captions, annotations: "there" } });
  expect(dataOf("--data-path", "here")).toEqual({ captions: { ...captions, images: "here" } });
  const pope = { images: "coco/val2014", questions: ["q.json"], likelihood: false };
  expect(dataOf("--questions", "q.json")).toEqual({ pope });
  writeFileSync(file, JSON.stringify({ data: { pope } }));
  expect(dataOf("--likelihood")).toEqual({ pope: { ...pope, likelihood: true } });
  expect(() => dataOf("--num-images", "3")).toThrow("--num-images has no effect on POPE's questions");
});

test("a limit of tokens is that of the file's search, also where it is the usual one", () => {
  const file = join(folder, "search.yaml");
  const searchOf = (search: unknown, ...args: string[]) => {
    writeFileSync(file, JSON.stringify({ base: { search } }));
    return spec("--file", file, ...args).base?.search;
  };
  const beams = { method: "beam", numBeams: 3, maxNewTokens: 64 };
  expect(searchOf(beams)).toEqual(beams);
  expect(searchOf(beams, "--max-new-tokens", "512")).toEqual({ ...beams, maxNewTokens: 512 });
  expect(searchOf("beam", "--max-new-tokens", "9")).toEqual({ method: "beam", maxNewTokens: 9 });
  expect(searchOf(beams, "--search", "greedy", "--max-new-tokens", "9")).toEqual({
    method: "greedy",
    maxNewTokens: 9,
  });
});

test("run, go on, look, report, clean up", async () => {
  const out = join(folder, "sweeps", "one");
  const usual = ["--num-images", "4", "--max-new-tokens", "48", "--out", out];
  const first = await run("--alpha", "0,0.2", "--layers", "2-6,0-3", ...usual);
  expect(first.stderr).toMatch(/12\/12 .* 0 rows in flight .* best: /);
  expect(first.stdout).toMatch(/^plain \(baseline\) .*\n/m);
  expect(first.stdout).toContain("Holm-adjusted for");
  for (const file of [
    "table.md",
    "table.csv",
    "table.tex",
    "table.json",
    "heat-map.svg",
    "heat-map.png",
    "pareto.png",
  ])
    expect(existsSync(join(out, "report", file))).toBe(true);
  const samples = readFileSync(join(out, "samples.jsonl"), "utf8");
  await run("--alpha", "0.2", "--layers", "2-6", ...usual);
  expect(readFileSync(join(out, "samples.jsonl"), "utf8")).toBe(samples);
  expect(existsSync(join(out, "report", "heat-map.svg"))).toBe(false);

  expect((await run("status", out)).stdout).toMatch(/^aai alpha 0\.2 layers 2-6 +4 +0 +done$/m);
  expect((await run("list", join(folder, "sweeps"))).stdout).toMatch(/one +chair +2 +4 +100 % +0 /);
  expect((await run("gc", out)).stdout).toMatch(/^4 of 12 answers .* 1 cells[\s\S]*Removed; 8 stay\.$/);
  const described = join(out, "experiment.json");
  const ended = readFileSync(described, "utf8");
  writeFileSync(described, ended.replace('"ended": true', '"ended": false'));
  await expect(run("gc", out)).rejects.toThrow(
    "was interrupted, so it is not known which answers are needed",
  );
  writeFileSync(described, ended);
  const report = await run("report", out, "--format", "csv");
  expect(report.stdout.split("\r\n")).toHaveLength(3);
  const turned = await run("report", out, "--baseline", "aai alpha 0.2 layers 2-6");
  expect(turned.stdout).toMatch(/^aai alpha 0\.2 layers 2-6 \(baseline\) /m);
  await expect(run("report", out, "--baseline", "best")).rejects.toThrow('"best" is no cell of the sweep');

  const file = join(out, "samples.jsonl");
  writeFileSync(file, readFileSync(file, "utf8").replace('"status":"done"', '"status":"failed"'));
  expect((await run("list", join(folder, "sweeps"))).stdout).toMatch(/one +chair +2 +4 +87 % +1 /);
});

test("methods of one's own, by flags and by file; the same command goes on", async () => {
  const own = ["--plugin", "scripts/own_method.py", "--attention", "aai,focus", "--set", "focus.fade=4"];
  const usual = ["--alpha", "0.1,0.2", "--num-images", "2", "--max-new-tokens", "16"];
  const out = join(folder, "own");
  const flags = [...own, ...usual, "--contrast", "doubt", "--set", "doubt.weight=1", "--out", out];
  await run(...flags);
  const { cells } = readExperiment(out);
  expect(cells.map(({ name }) => name)).toEqual([
    "plain",
    ...["aai, alpha 0.1", "aai, alpha 0.2", "focus fade 4, alpha 0.1", "focus fade 4, alpha 0.2"],
  ]);
  expect(cells[3]).toMatchObject({
    settings: {
      attention: { parameters: { method: "plugin", name: "focus", values: { alpha: 0.1, fade: 4 } } },
      contrast: { method: "plugin", name: "doubt", values: { weight: 1, sure: 0.9 } },
    },
    attestation: {
      edits: [{ method: "focus", rowsEdited: 2 }],
      contrasts: [{ method: "doubt", rows: 2 }],
    },
  });
  const samples = readFileSync(join(out, "samples.jsonl"), "utf8");
  expect(samples.trimEnd().split("\n")).toHaveLength(10);

  const file = join(folder, "own.yaml");
  writeFileSync(
    file,
    `
base: { contrast: { method: doubt, weight: 1 }, search: { method: greedy, maxNewTokens: 16 } }
grid: { attention: [aai, { method: focus, fade: 4 }], attention.alpha: [0.1, 0.2] }
data:
  captions: { images: demo/data/val2014, annotations: demo/data/annotations, ids: { count: 2, seed: 927 } }
out: ${JSON.stringify(out)}
`,
  );
  await run("--plugin", "scripts/own_method.py", file);
  expect(readFileSync(join(out, "samples.jsonl"), "utf8")).toBe(samples);
});

test("a plug-in that no cell uses is refused, and the worker that had loaded it goes", async () => {
  const out = join(folder, "refused");
  const unused = run("--plugin", "scripts/own_method.py", "--attention", "aai", "--out", out);
  await expect(unused).rejects.toThrow("--plugin is given, but no cell of the sweep has a method of it.");
  expect(existsSync(out)).toBe(false);
  expect(process.listenerCount("SIGINT")).toBe(0);
});

const lift = new Plugin("mine.py", {
  sha256: "abc",
  declarations: [
    {
      ...{ axis: "attention", name: "lift", summary: "", takesReference: false, stream: "none" },
      parameters: [{ name: "fade", type: "int", choices: [], default: 5 }],
    },
    {
      ...{ axis: "contrast", name: "dim", summary: "", takesReference: false, stream: "none" },
      parameters: [{ name: "on", type: "bool", choices: [], default: false }],
    },
  ],
});

test("what --set says of a built-in method stands in its parameters", () => {
  const flags = "--attention aai,pai --set pai.alpha=0.4 pai.layers=2-8 noiseStep=300 sample.seed=3";
  expect(spec(...flags.split(" "), "--contrast", "vcd", "--search", "sample")).toMatchObject({
    grid: { attention: ["aai", { method: "pai", alpha: 0.4, layers: [2, 8] }] },
    base: { contrast: { method: "vcd", noiseStep: 300 }, search: { method: "sample", seed: 3 } },
  });
});

test("what --set says of a method of one's own stands in its parameters, what --axis says is varied", () => {
  const flags = ["--attention", "aai,lift", "--set", "lift.fade=4", "dim.on=true", "--contrast", "dim"];
  expect(specWith([lift], ...flags, "--axis", "contrast.on=true,false")).toMatchObject({
    grid: { attention: ["aai", { method: "lift", fade: 4 }], "contrast.on": [true, false] },
    base: { contrast: { method: "dim", on: true } },
  });
});

test.each([
  [["--attention", "lfit"], "Expected one of none, aai, hgai"],
  [["--attention", "lift", "--set", "fade=fast"], "fade: Invalid input: expected number, received string"],
  [["--contrast", "dim", "--cd-alpha", "1"], "--contrast dim takes no --cd-alpha"],
  [["--attention", "aai", "--set", "fade=1"], 'there is no "fade" among the parameters of aai'],
  [["--alpha", "0:1"], "--alpha 0:1: expected start:end:step such as 0:1:0.1"],
  [["--attention", "aai,pai", "--set", "alpha=1"], "could belong to aai or pai; write aai.alpha=1"],
])("%j is refused where the file is known", (flags, message) => {
  expect(() => specWith([lift], ...flags)).toThrow(message);
});

test("a dry run tells the plan and writes nothing", async () => {
  const { stdout } = await run(
    "--alpha",
    "0:0.2:0.1",
    "--layers",
    "2-6,0-3",
    "--max-new-tokens",
    "24",
    "--ids",
    "demo",
    "--dry-run",
  );
  expect(stdout).toContain("5 cells × 120 images = 600 rows, of which 480 need no prefill of their own.");
  expect(stdout).toMatch(/About \d+ (s|min) with 1 worker \(\d+ tokens\/s each\), \d\.\d GiB/);
});

test("a dry run promises no more of several workers on one CPU than there may be", () => {
  const plan = { cells: 2, items: 120, images: 120, rows: 240, prefillsSaved: 120, bytes: 2 ** 30 };
  const timed = { ...plan, devices: 1, seconds: 140, secondsAtBest: 70, tokensPerSecond: 648.2 };
  expect(estimateNote(timed, 2)).toContain(
    "About 70 s to 2 min with 2 workers, which share a device (648 tokens/s each at best), 1.0 GiB: ",
  );
  expect(estimateNote({ ...timed, devices: 2, seconds: 70 }, 2)).toContain(
    "About 70 s with 2 workers (648 tokens/s each), 1.0 GiB: ",
  );
});

test.each([
  [["--alpha", "1"], "Name the sweep's folder with --out"],
  [["--attention", "focus", "--out", "x"], "one of your own needs --plugin FILE"],
  [["--contrast", "doubt", "--out", "x"], "one of your own needs --plugin FILE"],
  [["--layers", "2", "--out", "x"], "expected START-END such as 2-32"],
  [["--axis", "foo", "--out", "x"], "expected a parameter and values"],
  [["--axis", "attention.alhpa=1", "--out", "x"], 'Unrecognized key: "attention.alhpa"'],
  [["--alpha", "1", "--workers", "0", "--out", "x"], '--workers is "0"; expected a whole number'],
  [["--alpha", "1", "--gpu-id", "a", "--out", "x"], '--gpu-id is "a"; expected numbers'],
  [["--alpha", "1", "--scheduler", "bogus"], '--scheduler is "bogus"; expected one of'],
  [["--alpha", "1", "--baseline", "greedy", "--out", "x"], 'The baseline "greedy" is no cell of the sweep'],
  [["status", "src"], "src is no experiment's folder"],
  [["list", "no-such-folder"], "There is no folder no-such-folder"],
  [["no-such.yaml"], "There is no file no-such.yaml"],
])("%j is refused", async (args, message) => {
  await expect(run(...args)).rejects.toThrow(message);
});

test("as a process: wrong use is a sentence and exit code 2", async () => {
  const { stderr, exitCode } = await execa("node", [inject("aai"), "sweep", "--alpha", "1"], {
    cwd: root,
    reject: false,
  });
  expect(stderr).toContain("Name the sweep's folder with --out");
  expect(stderr).not.toContain("    at ");
  expect(exitCode).toBe(2);
});
