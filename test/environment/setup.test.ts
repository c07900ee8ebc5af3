import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../../src/base/package_root";
import { findPython } from "../../src/environment/python";

const { explain } = require("../../scripts/setup/explain");
const { parsePyproject, satisfies } = require("../../scripts/setup/versions");
const { countPytest, countVitest } = require("../../scripts/check/counts");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aai-setup-"));
});

describe("versions", () => {
  test.each([
    ["2.13.0+cpu", "==2.13.0", true],
    ["2.13.1", "==2.13.0", false],
    ["5.18.0", ">=5.17,<6", true],
    ["6.0.0", ">=5.17,<6", false],
    ["3.9.19", ">=3.10", false],
    ["1.0", "", true],
  ])("%s satisfies %s: %s", (version, specifier, expected) => {
    expect(satisfies(version, specifier)).toBe(expected);
  });

  test("pyproject.toml as Python's own parser reads it", () => {
    const file = join(packageRoot(), "python", "pyproject.toml");
    const script = `
import json, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
print(json.dumps([project["requires-python"], project["dependencies"], project["optional-dependencies"]["dev"]]))`;
    const { stdout } = spawnSync(findPython().python, ["-c", script, file], { encoding: "utf8" });
    const parsed = parsePyproject(readFileSync(file, "utf8"));
    const join_ = (list: { name: string; specifier: string }[]) =>
      list.map((item) => item.name + item.specifier);
    expect([parsed.requiresPython, join_(parsed.dependencies), join_(parsed.dev)]).toEqual(
      JSON.parse(stdout),
    );
  });
});

describe("explain", () => {
  test.each([
    ["OSError: [Errno 28] No space left on device", /disk is full/],
    [
      "The virtual environment was not created successfully because ensurepip is not\navailable.",
      /python3-venv/,
    ],
    ["/usr/bin/python3: No module named venv", /python3-venv/],
    [
      "NewConnectionError: [Errno -3] Temporary failure in name resolution\nNo matching distribution found for torch",
      /network/,
    ],
    ["npm error code ENOTFOUND", /network/],
    ["ERROR: No matching distribution found for torch==2.13.0", /no torch wheel/],
    ["npm error code EACCES", /could not be written/],
    ["something new", /Mend what the lines above say/],
  ])("%s", (output, advice) => {
    expect(explain(output)).toMatch(advice);
  });
});

describe("the set-up script", () => {
  test("checks AAI_PYTHON, records it, and says what an incomplete one lacks", () => {
    const { python } = findPython();
    copySetup();
    const good = runSetup([], { AAI_PYTHON: python });
    expect(good).toMatchObject({ status: 0, stderr: "" });
    expect(readRecord()).toEqual({ python, kind: "AAI_PYTHON" });

    const bare = join(root, "bare");
    spawnSync(python, ["-m", "venv", "--without-pip", bare]);
    const barePython = join(bare, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
    const bad = runSetup([], { AAI_PYTHON: barePython });
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/torch is missing \(needs >=2\.9\)/);
    expect(bad.stderr).toMatch(/-m pip install "torch>=2\.9" "transformers>=5\.17,<6"/);
    expect(bad.stderr).not.toMatch(/pytest|at \w+ \(/);
    expect(runSetup(["--dev"], { AAI_PYTHON: barePython }).stderr).toMatch(/pytest/);
  });

  test("an AAI_PYTHON that cannot be run is one sentence", () => {
    copySetup();
    const { status, stderr } = runSetup([], { AAI_PYTHON: "/nowhere/python" });
    expect(status).toBe(1);
    expect(stderr.trim()).toBe(
      "AAI_PYTHON is /nowhere/python, which cannot be run. Set it to a Python interpreter, or unset it.",
    );
  });

  test("an unknown argument is refused", () => {
    copySetup();
    expect(runSetup(["--fast"], {})).toMatchObject({ status: 1, stderr: expect.stringContaining("--dev") });
  });

  // The interpreters below are shell scripts that stand in for broken or old installations.
  describe.skipIf(process.platform === "win32")("without an environment", () => {
    test("no Python at all", () => {
      copySetup();
      const { status, stderr } = runSetup([], { PATH: emptyPath() });
      expect(status).toBe(1);
      expect(stderr).toMatch(/No Python was found on the PATH; >=3\.10 is needed.*AAI_PYTHON/s);
    });

    test("a Python that is too old", () => {
      copySetup();
      const { stderr } = runSetup([], { PATH: pathWith("python3", "echo 3.8.10") });
      expect(stderr).toMatch(/Python 3\.8\.10 is too old; >=3\.10 is needed/);
    });

    test("a Python without venv, as Debian ships it", () => {
      copySetup();
      const script = 'case "$*" in *venv*) echo "No module named venv" >&2; exit 1;; *) echo 3.12.1;; esac';
      const { status, stdout, stderr } = runSetup([], { PATH: pathWith("python3", script) });
      expect(status).toBe(1);
      expect(stdout).toMatch(/✗ Making \.venv with Python 3\.12\.1/);
      expect(stderr).toMatch(/sudo apt install python3-venv/);
    });

    test("conda, where it is there: the environment aai is made, filled and recorded", () => {
      copySetup();
      const { python } = findPython();
      const prefix = join(root, "envs", "aai");
      const conda = [
        `case "$*" in`,
        `--version) echo conda 25.1.0;;`,
        `"env list --json") if [ -d ${prefix} ]; then echo '{"envs": ["${prefix}"]}'; else echo '{"envs": []}'; fi;;`,
        `"env create"*) mkdir -p ${prefix}/bin; printf '#!/bin/sh\\ncase "$*" in *pip*install*) echo "$*" > ${root}/pip;; *) exec ${python} "$@";; esac\\n' > ${prefix}/bin/python; chmod +x ${prefix}/bin/python;;`,
        `*) exit 3;; esac`,
      ].join("\n");
      const first = runSetup(["--dev"], { PATH: pathWith("conda", conda) });
      expect(first).toMatchObject({ status: 0, stderr: "" });
      expect(first.stdout).toMatch(/Making the conda environment `aai`/);
      expect(readRecord()).toEqual({ python: join(prefix, "bin", "python"), kind: "conda" });
      expect(readFileSync(join(root, "pip"), "utf8")).toMatch(/-e \.\/python\[dev\]/);

      const second = runSetup([], { PATH: pathWith("conda", "exit 3") });
      expect(second.stdout).toBe(`✓ Set up, with ${join(prefix, "bin", "python")}\n`);
    });

    test("a conda environment aai of someone else's is left alone", () => {
      copySetup();
      const conda = `case "$*" in --version) echo conda;; "env list --json") echo '{"envs": ["/opt/envs/aai"]}';; *) exit 3;; esac`;
      const { stdout, stderr } = runSetup([], { PATH: pathWith("conda", conda) });
      expect(stdout).toMatch(
        /already a conda environment `aai` \(\/opt\/envs\/aai\).*Going on without conda, in \.venv/s,
      );
      expect(stderr).toMatch(/No Python was found/);
    });

    test("a .venv whose set-up was killed is made again", () => {
      copySetup();
      const venv = join(root, ".venv", "bin");
      const leftover = join(venv, "leftover");
      mkdirSync(venv, { recursive: true });
      writeFileSync(leftover, "");
      mkdirSync(join(root, ".aai"));
      writeFileSync(join(root, ".aai", "unfinished.json"), "{}");
      const fake = [
        `case "$*" in`,
        `*"-m venv"*) mkdir -p ${venv}; cp "$0" ${venv}/python;;`,
        `*metadata*) echo '{"python": "3.12.1", "packages": {}}';;`,
        `*) echo 3.12.1;; esac`,
      ].join("\n");
      const { status } = runSetup([], {
        PATH: `${pathWith("python3", fake)}${delimiter}/usr/bin${delimiter}/bin`,
      });
      expect(status).toBe(0);
      expect(existsSync(leftover)).toBe(false);
      expect(existsSync(join(root, ".aai", "unfinished.json"))).toBe(false);
      expect(readRecord()).toEqual({ python: join(venv, "python"), kind: "venv" });
    });
  });
});

describe("the lock", () => {
  const script = (name: string) => `
const fs = require("fs");
const { withLock } = require(${JSON.stringify(join(packageRoot(), "scripts", "setup", "lock.js"))});
withLock("LOCK", async () => {
  fs.appendFileSync("log", "${name} in\\n");
  await new Promise((resolve) => setTimeout(resolve, 150));
  fs.appendFileSync("log", "${name} out\\n");
});`;

  test("lets one process in at a time", async () => {
    const ends = ["a", "b", "c"].map((name) => {
      const child = spawn(process.execPath, ["-e", script(name)], { cwd: root });
      return new Promise((resolve) => child.on("close", resolve));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    const lines = readFileSync(join(root, "log"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(6);
    for (let index = 0; index < 6; index += 2) {
      expect(lines[index + 1]).toBe(lines[index]?.replace("in", "out"));
    }
    expect(existsSync(join(root, "LOCK"))).toBe(false);
  });

  test.each([
    ["a process that is gone", String(spawnSync(process.execPath, ["-e", ""]).pid), new Date()],
    [
      "a living process that has not touched it for minutes",
      String(process.pid),
      new Date(Date.now() - 300_000),
    ],
  ])("left by %s is taken over", (_, pid, touched) => {
    mkdirSync(join(root, "LOCK"));
    writeFileSync(join(root, "LOCK", "pid"), pid);
    utimesSync(join(root, "LOCK"), touched, touched);
    expect(spawnSync(process.execPath, ["-e", script("a")], { cwd: root, timeout: 20_000 }).status).toBe(0);
  });
});

describe("the gate's counts", () => {
  test("pytest: skipped tests are neither, errors are failures", () => {
    const file = join(root, "pytest.xml");
    writeFileSync(
      file,
      '<testsuites name="x"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1">',
    );
    expect(countPytest(file)).toEqual({ passed: 4, failed: 3 });
  });

  test("vitest: a file that could not be loaded is a failure", () => {
    const file = join(root, "vitest.json");
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
    ];
    writeFileSync(file, JSON.stringify({ numPassedTests: 1, numFailedTests: 1, testResults }));
    expect(countVitest(file)).toEqual({ passed: 1, failed: 2 });
  });

  test("no report: nothing passed", () => {
    expect(countVitest(join(root, "none"))).toEqual({ passed: 0, failed: 0 });
    expect(countPytest(join(root, "none"))).toEqual({ passed: 0, failed: 0 });
  });
});

/** The script in a package of its own that needs no node packages. */
function copySetup(): void {
  for (const file of ["scripts/setup.js", "scripts/setup", "python/pyproject.toml", "environment.yml"]) {
    cpSync(join(packageRoot(), file), join(root, file), { recursive: true });
  }
}

function runSetup(args: string[], env: NodeJS.ProcessEnv) {
  const { AAI_PYTHON, CONDA_EXE, MAMBA_EXE, ...outer } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, "scripts", "setup.js"), ...args],
    {
      encoding: "utf8",
      env: { ...outer, ...env },
    },
  );
  return { status, stdout, stderr };
}

function readRecord(): unknown {
  return JSON.parse(readFileSync(join(root, ".aai", "environment.json"), "utf8"));
}

function emptyPath(): string {
  const folder = mkdtempSync(join(root, "bin-"));
  return folder;
}

/** A PATH on which the only program of interest is a shell script called `name`. */
function pathWith(name: string, script: string): string {
  const file = join(emptyPath(), name);
  writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  chmodSync(file, 0o755);
  return dirname(file);
}
