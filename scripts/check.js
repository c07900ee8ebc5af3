#!/usr/bin/env node
/**
 * The gate behind `npm test`: every check of both languages, in two lanes side by side, going on after a failure.
 * `node scripts/check.js ruff pytest` runs the named steps only, `npm run check` those of a minute and a half: all but
 * tests that start processes or take seconds each, and benchmarks. Ends with a table and `N passed, N failed`.
 */
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { countPytest, countVitest } = require("./check/counts");
const { runStep } = require("./check/run_step");
const { unitTests } = require("./check/unit_tests");

const root = path.resolve(__dirname, "..");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "aai-check-"));
const vitestReport = path.join(scratch, "vitest.json");
const unitReport = path.join(scratch, "unit.json");
const pytestReport = path.join(scratch, "pytest.xml");
const quickReport = path.join(scratch, "quick.xml");

/** import-linter has no `python -m` form. */
const lintImports = "from importlinter.cli import lint_imports_command as lint; lint()";

function lanes(python) {
  const module_ = (name, ...args) => [python, "-m", name, ...args];
  return {
    node: [
      { name: "biome", command: [...bin("@biomejs/biome", "biome"), "check", "--error-on-warnings"] },
      { name: "tsc", command: [...bin("typescript", "tsc"), "--noEmit"] },
      {
        name: "protocol",
        command: [...bin("ts-node", "ts-node"), "scripts/generate_protocol.ts", "--check"],
      },
      {
        name: "docs",
        command: [...bin("ts-node", "ts-node"), "scripts/generate_docs.ts", "--check"],
      },
      { name: "layers", command: [...bin("dependency-cruiser", "depcruise"), "src"] },
      { name: "knip", command: [...bin("knip", "knip"), "--no-progress", "--no-config-hints"] },
      {
        name: "bench",
        command: [...bin("ts-node", "ts-node"), "bench/main.ts", "--short"],
      },
      {
        name: "vitest",
        command: [
          ...bin("vitest", "vitest"),
          ...["run", "--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`],
        ],
        count: () => countVitest(vitestReport),
      },
      {
        name: "unit", // of vitest's
        onlyNamed: true,
        command: [
          ...bin("vitest", "vitest"),
          ...["run", "--reporter=default", "--reporter=json", `--outputFile.json=${unitReport}`],
          ...unitTests(root),
        ],
        count: () => countVitest(unitReport),
      },
    ],
    python: [
      {
        name: "ruff",
        cwd: "python",
        command: module_("ruff", "check", ".", "../demo", "../bench", "../scripts"),
      },
      { name: "mypy", cwd: "python", command: module_("mypy") },
      { name: "rooms", cwd: "python", command: [python, "-c", lintImports] },
      {
        name: "pytest",
        cwd: "python",
        command: module_("pytest", `--junitxml=${pytestReport}`),
        count: () => countPytest(pytestReport),
      },
      {
        name: "quick", // of pytest's
        onlyNamed: true,
        cwd: "python",
        command: module_("pytest", "-m", "not slow", `--junitxml=${quickReport}`),
        count: () => countPytest(quickReport),
      },
    ],
  };
}

/** A package's program, run by this Node: no shell, no PATH. */
function bin(name, program) {
  const folder = path.join(root, "node_modules", name);
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const script = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[program];
  return [process.execPath, path.join(folder, script)];
}

async function main(names) {
  const { python } = JSON.parse(fs.readFileSync(path.join(root, ".aai", "environment.json"), "utf8"));
  const chosen = Object.values(lanes(python)).map((steps) => steps.filter((step) => picked(step, names)));
  const unknown = names.find((name) => !chosen.flat().some((step) => step.name === name));
  if (unknown) throw new Error(`check: no step is called ${unknown}. Steps: ${allNames(python).join(", ")}.`);

  const results = (await Promise.all(chosen.map(runLane))).flat();
  fs.rmSync(scratch, { recursive: true, force: true });
  report(results);
}

async function runLane(steps) {
  const results = [];
  for (const step of steps) results.push(await runStep({ ...step, cwd: path.join(root, step.cwd ?? ".") }));
  return results;
}

function report(results) {
  console.log("");
  for (const { name, ok, seconds, note } of results) {
    console.log(`${ok ? "✓" : "✗"} ${name.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  ${note}`.trimEnd());
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
}

function picked({ name, onlyNamed = false }, names) {
  return names.length === 0 ? !onlyNamed : names.includes(name);
}

function allNames(python) {
  return Object.values(lanes(python))
    .flat()
    .map(({ name }) => name);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
