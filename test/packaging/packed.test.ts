import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot } from "../../src/base/package_root";
import { findPython } from "../../src/environment/python";

// The packed package, installed as a user installs it, and every way to run a script against it. It needs the package
// registry, so continuous integration alone runs it (CI=true).
const packed = test.skipIf(!process.env.CI);
const scratch = mkdtempSync(join(tmpdir(), "aai-packed-"));
const installed = join(scratch, "node_modules", "align-attention");

const experiment = `
import { aai, greedy } from "align-attention";

const attention = aai({ alpha: 0.3, beta: 1, layers: [2, 32] });
const search: ReturnType<typeof greedy> = greedy({ maxNewTokens: 8 });
console.log(JSON.stringify([attention.parameters.alpha, attention.parameters.layers, search.method]));
`;
const printed = '[0.3,[2,32],"greedy"]\n';

beforeAll(() => {
  if (!process.env.CI) return;
  const { version, dependencies, devDependencies } = manifest(packageRoot());
  const source = copyOfSources();
  run(source, "npm", ["run", "build"]);
  run(source, "npm", ["pack", "--pack-destination", scratch]);
  write("package.json", JSON.stringify({ name: "scratch", private: true }));
  write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { module: "nodenext", target: "es2022", strict: true } }),
  );
  write("experiment.ts", experiment);
  const tools = [`ts-node@${dependencies["ts-node"]}`, `tsx@${devDependencies.tsx}`];
  const typescript = `typescript@${dependencies.typescript}`; // 7 and later break ts-node
  const tarball = `./align-attention-${version}.tgz`;
  run(scratch, "npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    tarball,
    ...tools,
    typescript,
  ]);
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

packed("npx ts-node experiment.ts, types checked", () => {
  expect(run(scratch, "npx", ["ts-node", "experiment.ts"])).toBe(printed);
});

packed("the types are real: ts-node refuses a wrong parameter", () => {
  write("wrong.ts", experiment.replace("alpha: 0.3", 'alpha: "a lot"'));
  const { status, stderr } = spawnSync("npx", ["ts-node", "wrong.ts"], {
    cwd: scratch,
    encoding: "utf8",
    shell,
  });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/TS2322.*'string' is not assignable to type 'number'/s);
});

packed("npx tsx experiment.ts", () => {
  expect(run(scratch, "npx", ["tsx", "experiment.ts"])).toBe(printed);
});

packed("plain require", () => {
  write("required.cjs", plain('const { aai, greedy } = require("align-attention");'));
  expect(run(scratch, process.execPath, ["required.cjs"])).toBe(printed);
});

packed("ESM import, by name", () => {
  write("imported.mjs", plain('import { aai, greedy } from "align-attention";'));
  expect(run(scratch, process.execPath, ["imported.mjs"])).toBe(printed);
});

packed("npx aai --help", () => {
  const help = run(scratch, "npx", ["aai", "--help"]);
  for (const command of ["generate", "doctor", "inspect", "setup"]) expect(help).toContain(`aai ${command}`);
});

packed("npx aai doctor: the built package finds its Python half", () => {
  const { status, stdout, stderr } = spawnSync("npx", ["aai", "doctor"], {
    cwd: scratch,
    encoding: "utf8",
    shell,
    env: { ...process.env, AAI_PYTHON: findPython().python },
  });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/^✓ Node to Python +\d+ µs/m);
});

packed("npx aai setup runs from the installed package", () => {
  const { status, stderr } = spawnSync("npx", ["aai", "setup"], {
    cwd: scratch,
    encoding: "utf8",
    shell,
    env: { ...process.env, AAI_PYTHON: "/nowhere/python" },
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/AAI_PYTHON is \/nowhere\/python, which cannot be run/);
});

packed("the tarball holds what a run needs, and no tests", () => {
  for (const file of [
    "python/aai_worker/service/server.py",
    "python/pyproject.toml",
    "environment.yml",
    "LICENSE",
    "README.md",
  ]) {
    expect(existsSync(join(installed, file)), file).toBe(true);
  }
  const files = readdirSync(installed, { recursive: true }).map(String);
  expect(
    files.filter((file) => /(^|\/)(test|tests|__pycache__|\.venv)\//.test(file) || file.endsWith(".pyc")),
  ).toEqual([]);
});

/** What is packed is built from a copy: no test writes into the source tree. */
function copyOfSources(): string {
  const source = join(scratch, "source");
  const { stdout } = spawnSync("git", ["ls-files"], { cwd: packageRoot(), encoding: "utf8" });
  for (const file of stdout.trim().split("\n")) cpSync(join(packageRoot(), file), join(source, file));
  symlinkSync(join(packageRoot(), "node_modules"), join(source, "node_modules"));
  return source;
}

const shell = process.platform === "win32"; // npm and npx are .cmd files there

/** Standard output of a command that succeeds. */
function run(cwd: string, command: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", shell });
  const output = `${stdout}\n${stderr}`.replace(/^ +at .*$/gm, ""); // vitest would look for the sources of these
  expect(status, `${command} ${args.join(" ")}\n${output}`).toBe(0);
  return stdout;
}

function write(name: string, text: string): void {
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, name), text);
}

/** The experiment without types, below another import line. */
function plain(importLine: string): string {
  return experiment.replace(/import .*;/, importLine).replace(/: ReturnType<typeof greedy>/, "");
}

function manifest(folder: string) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
