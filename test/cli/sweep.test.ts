import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test, vi } from "vitest";
import yargs from "yargs";
import { sweepCommand } from "../../src/cli/commands/sweep";
import { type SweepArguments, specOf, sweepOptions } from "../../src/cli/sweep_options";

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

const spec = (...args: string[]) =>
  specOf(
    yargs(args).options(sweepOptions).positional("file", { type: "string" }).parseSync() as SweepArguments,
  );

test("flags become the file's words", () => {
  const flags = ["--alpha", "0:1:0.5", "--layers", "2-6,0-3", "--reference-mode", "seed,corrected"];
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
      "attention.mode": ["seed", "corrected"],
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

  expect((await run("status", out)).stdout).toMatch(/^alpha 0\.2, layers 2-6 +4 +0 +done$/m);
  expect((await run("list", join(folder, "sweeps"))).stdout).toMatch(/one +chair +2 +4 +100 %/);
  expect((await run("gc", out)).stdout).toMatch(/^4 of 12 answers .* 1 cells[\s\S]*Removed; 8 stay\.$/);
  const report = await run("report", out, "--format", "csv");
  expect(report.stdout.split("\r\n")).toHaveLength(3);
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

test.each([
  [["--alpha", "1"], "Name the sweep's folder with --out"],
  [["--layers", "2", "--out", "x"], "expected ranges of layers such as 2-32,8-24"],
  [["--axis", "foo", "--out", "x"], "expected a parameter and values"],
  [["--axis", "attention.alhpa=1", "--out", "x"], 'Unrecognized key: "attention.alhpa"'],
  [["--alpha", "1", "--workers", "0", "--out", "x"], "--workers is 0"],
  [["--alpha", "1", "--gpu-id", "a", "--out", "x"], "--gpu-id is a"],
  [["--alpha", "1", "--scheduler", "bogus"], "Choices"],
  [["status", "src"], "src is no sweep folder"],
  [["list", "no-such-folder"], "There is no folder no-such-folder"],
  [["no-such.yaml"], "There is no file no-such.yaml"],
])("%j is refused", async (args, message) => {
  await expect(run(...args)).rejects.toThrow(message);
});

test("as a process: wrong use is a sentence and exit code 2", async () => {
  const command = ["-r", "ts-node/register", "src/cli/main.ts", "sweep", "--alpha", "1"];
  const { stderr, exitCode } = await execa("node", command, { cwd: root, reject: false });
  expect(stderr).toContain("Name the sweep's folder with --out");
  expect(stderr).not.toContain("    at ");
  expect(exitCode).toBe(2);
});
