import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../../src/base/package_root";
import { askPython, PythonQuestionError } from "../../src/environment/ask_python";

const outerPath = process.env.PYTHONPATH;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aai-ask-"));
});
afterEach(() => {
  if (outerPath === undefined) delete process.env.PYTHONPATH;
  else process.env.PYTHONPATH = outerPath;
});

/** Puts a module of our own in the place of aai_worker.environment, in every Python started by this test. */
function replaceEnvironment(probe: string): void {
  const code = `
import json, os, sys, threading, time, types
module = types.ModuleType("aai_worker.environment")
def probe():
    open(${JSON.stringify(join(folder, "pid"))}, "w").write(str(os.getpid()))
    ${probe}
module.probe = probe
sys.modules["aai_worker"] = types.ModuleType("aai_worker")
sys.modules["aai_worker.environment"] = module
`;
  writeFileSync(join(folder, "sitecustomize.py"), code);
  process.env.PYTHONPATH = folder;
}

async function faultOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail("it was answered"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PythonQuestionError);
  return (error as Error).message;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  expect(condition()).toBe(true);
}

test("a value comes back, whatever Python prints meanwhile", async () => {
  replaceEnvironment(
    'print("{noise"); print("noise", file=sys.stderr); return json.dumps({"value": [1, "ü"]})',
  );
  expect(await askPython("probe", [])).toEqual([1, "ü"]);
});

test("several at once", async () => {
  replaceEnvironment('return json.dumps({"value": os.getpid()})');
  const pids = await Promise.all([1, 2, 3].map(() => askPython("probe", [])));
  expect(new Set(pids).size).toBe(3);
});

describe("what goes wrong is one typed error, and this process lives on", () => {
  test("a fault that Python found", async () => {
    const fault = await faultOf(askPython("inspect", ["/nowhere/checkpoint"]));
    expect(fault).toBe('There is no folder "/nowhere/checkpoint", and it is no hub id either (owner/name).');
  });

  test("an interpreter that does not exist", async () => {
    const fault = await faultOf(askPython("probe", [], { python: "/nowhere/python" }));
    expect(fault).toMatch(/^\/nowhere\/python cannot be run as a Python interpreter \(.*ENOENT/);
  });

  test("an interpreter that is no Python", async () => {
    const python = join(folder, "python");
    writeFileSync(python, '#!/bin/sh\n[ "$1" = --version ] || exit 4\n');
    chmodSync(python, 0o755);
    expect(await faultOf(askPython("probe", [], { python }))).toMatch(/Python ended with exit code 4/);
  });

  test("a crash in the middle of the answer", async () => {
    replaceEnvironment("os._exit(7)");
    expect(await faultOf(askPython("probe", []))).toMatch(/Python ended with exit code 7 before it answered/);
  });

  test("a signal", async () => {
    replaceEnvironment("os.kill(os.getpid(), 11)");
    expect(await faultOf(askPython("probe", []))).toMatch(/Python ended with SIGSEGV/);
  });

  test("an import error", async () => {
    writeFileSync(
      join(folder, "sitecustomize.py"),
      'import sys; sys.modules["aai_worker.environment"] = None\n',
    );
    process.env.PYTHONPATH = folder;
    expect(await faultOf(askPython("probe", []))).toMatch(
      /^Python raised ModuleNotFoundError: .*aai_worker.environment/,
    );
  });

  test("an exception", async () => {
    replaceEnvironment('raise KeyError("vision_config")');
    expect(await faultOf(askPython("probe", []))).toMatch(/^Python raised KeyError: 'vision_config'$/);
  });

  test.each(['float("nan")', 'float("inf")', "b'bytes'"])(
    "an answer of %s, which pythonia cannot carry",
    async (value) => {
      replaceEnvironment(`return ${value}`);
      expect(await faultOf(askPython("probe", [], { timeoutSeconds: 20 }))).not.toBe("");
    },
  );

  test("silence: after the time limit Python is ended too", async () => {
    replaceEnvironment("time.sleep(600)");
    expect(await faultOf(askPython("probe", [], { timeoutSeconds: 3 }))).toMatch(
      /did not answer|didn't respond/,
    );
    await waitUntil(() => !isAlive(Number(readFileSync(join(folder, "pid"), "utf8"))));
  });
});

test.skipIf(process.platform !== "linux")("a driver that is killed leaves no Python behind", async () => {
  replaceEnvironment("time.sleep(600)");
  const module = JSON.stringify(join(packageRoot(), "src", "environment", "ask_python.ts"));
  const driver = spawn(
    process.execPath,
    ["-r", "ts-node/register/transpile-only", "-e", `require(${module}).askPython("probe", [])`],
    { cwd: packageRoot(), stdio: "ignore" },
  );
  const pidFile = join(folder, "pid");
  await waitUntil(() => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "");
  driver.kill("SIGKILL");
  await waitUntil(() => !isAlive(Number(readFileSync(pidFile, "utf8"))));
});
