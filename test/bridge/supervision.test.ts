import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { WorkerDiedError, WorkerError } from "../../src/bridge/errors";
import type { Worker } from "../../src/client/worker";
import { leaseSeconds } from "../support/elsewhere";
import { type FakeOptions, fakeWorker, isAlive } from "../support/fake_worker";

// Socket files go to a folder of this test's own: other test files start and end workers at the same time.
const folder = mkdtempSync(join(tmpdir(), "sockets-"));
process.env.TMPDIR = folder;
afterAll(() => rmSync(folder, { recursive: true }));

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
});

const socketFolders = () => readdirSync(folder).filter((name) => name.startsWith("aai-"));

async function death(promise: Promise<unknown>): Promise<WorkerDiedError> {
  const error = await promise.then(
    () => expect.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkerDiedError);
  return error as WorkerDiedError;
}

describe.each(["local", "elsewhere"] as const)("a worker started %s", (launch) => {
  const open = (options: FakeOptions = {}) => fakeWorker({ launch, ...options });
  const start = async (options: FakeOptions = {}) => {
    const worker = await open(options);
    workers.push(worker);
    return worker;
  };

  test("an exit rejects pending, queued and later calls with one error that holds cause and stderr", async () => {
    const worker = await start();
    const pending = [worker.load("exit"), worker.load("ok"), worker.load("ok")].map(death);
    const [first, ...others] = await Promise.all(pending);
    expect(first!.death).toEqual({ kind: "exited", exitCode: 3, signal: undefined });
    expect(first!.phase).toBe("load");
    expect(first!.message).toContain('exited with code 3 during "load"');
    expect(first!.stderrTail).toContain("about to leave");
    expect(others.every((error) => error === first)).toBe(true);
    expect(await death(worker.load("ok"))).toBe(first);
    expect(await death(worker.stats())).toBe(first);
    expect(isAlive(worker.pid!)).toBe(false);
  });

  test("SIGKILL is named, within two seconds", async () => {
    const worker = await start();
    const started = Date.now();
    const error = await death(worker.load("sigkill"));
    expect(error.death).toEqual({ kind: "exited", exitCode: undefined, signal: "SIGKILL" });
    expect(error.message).toContain("memory runs out");
    expect(Date.now() - started).toBeLessThan(2000);
  });

  test("a stopped worker is unresponsive, and is ended", async () => {
    const worker = await start({ heartbeatTimeout: 1 });
    const error = await death(worker.load("sigstop"));
    expect(error.death.kind).toBe("unresponsive");
    await sleep(100);
    expect(isAlive(worker.pid!)).toBe(false);
  });

  test("a hung forward pass is found although the worker answers pings, and its Python stack is in the error", async () => {
    const worker = await start({ stallTimeout: 1 });
    const model = await worker.load("ok");
    const error = await death(model.generate({ prompt: "hang" }).result());
    expect(error.death).toMatchObject({ kind: "stalled", command: "generate" });
    expect(error.message).toContain("in generate");
    expect(error.message).toContain("fake_worker.py");
  });

  test("a worker that holds the interpreter lock is unresponsive, and its Python stack is in the error", async () => {
    const worker = await start({ heartbeatTimeout: 1 });
    const model = await worker.load("ok");
    const error = await death(model.generate({ prompt: "hang-gil" }).result());
    expect(error.death.kind).toBe("unresponsive");
    expect(error.message).toContain("fake_worker.py");
  });

  test("an exception in the model is an error of its call alone", async () => {
    const worker = await start();
    const error = await worker.load("raise").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: "internal", message: "RuntimeError: something broke" });
    expect((error as WorkerError).traceback).toContain("fake_worker.py");
    await expect(worker.load("fault")).rejects.toMatchObject({ code: "bad-checkpoint", traceback: "" });
    await expect(worker.load("ok")).resolves.toBeDefined();
  });

  test("an import error at start names the module", async () => {
    const error = await death(open({ env: { FAKE_START: "import-error" } }));
    expect(error.death.kind).toBe("start-failed");
    expect(error.message).toContain("No module named 'a_module_that_is_not_there'");
    expect(error.message).toContain("fake_worker.py");
    expect(error.message, "no stacks of idle threads").not.toContain("most recent call first");
  });

  test("a device that is not there is a sentence", async () => {
    const error = await death(open({ env: { FAKE_START: "bad-device" } }));
    expect(error.message).toBe('The worker did not start: Device "cuda" cannot be used: there is none');
  });

  test("a worker that never gets ready is given up", async () => {
    const error = await death(open({ env: { FAKE_START: "slow" }, startTimeout: 2 }));
    expect(error.message).toContain("not ready within 2 s");
    expect(error.message).toContain("create_engine");
  });

  test("another protocol version names both sides", async () => {
    const error = await death(open({ env: { FAKE_START: "other-version" } }));
    expect(error.death).toMatchObject({ kind: "version-mismatch", workerHash: "0123456789abcdef" });
  });

  test("close ends the process, leaves no socket file, and later calls say so", async () => {
    const worker = await start();
    const model = await worker.load("ok");
    const running = death(model.generate({ prompt: "slow 1000" }).result()).catch((error: unknown) => error);
    await sleep(200);
    await worker.close();
    await worker.close();
    expect(isAlive(worker.pid!)).toBe(false);
    expect(socketFolders()).toEqual([]);
    expect((await death(worker.load("ok"))).death.kind).toBe("closed");
    await running;
  });

  const script = (body: string) => `
    const { fakeWorker } = require("./test/support/fake_worker.ts");
    (async () => { ${body} })();
  `;
  const runScript = (body: string) =>
    execa("node", ["-r", "ts-node/register/transpile-only", "-e", script(body)], {
      cwd: join(__dirname, "../.."),
      reject: false,
    });

  /** Starts a driver in a process of its own and waits until its worker generates. */
  async function drive(options: string) {
    const driver = runScript(`
      const worker = await fakeWorker({ launch: "${launch}", ${options} });
      const model = await worker.load("ok");
      const run = model.generate({ prompt: "slow 100000" });
      let said = false;
      for await (const event of run) if (!said) { said = true; console.log("pid", worker.pid); }
    `);
    const line = await new Promise((resolve) => driver.stdout.once("data", resolve));
    return { driver, workerPid: Number(/pid (\d+)/.exec(String(line))![1]) };
  }

  test("a driver killed with SIGKILL takes its worker and its socket files along", async () => {
    const { driver, workerPid } = await drive("");
    expect(isAlive(workerPid)).toBe(true);
    driver.kill("SIGKILL");
    await driver;
    const deadline = Date.now() + 1000 * (launch === "local" ? 1 : leaseSeconds + 1);
    while (isAlive(workerPid) && Date.now() < deadline) await sleep(10);
    expect(isAlive(workerPid)).toBe(false);
    expect(socketFolders()).toEqual([]);
  });

  test("Ctrl-C closes the worker and exits with 130; a second one is immediate", async () => {
    const { driver, workerPid } = await drive("handleSignals: true");
    driver.kill("SIGINT");
    expect((await driver).exitCode).toBe(130);
    expect(isAlive(workerPid)).toBe(false);

    const stuck = await drive("handleSignals: true");
    process.kill(stuck.workerPid, "SIGSTOP"); // will not leave when asked
    stuck.driver.kill("SIGINT");
    await sleep(100);
    const second = Date.now();
    stuck.driver.kill("SIGINT");
    expect((await stuck.driver).exitCode).toBe(130);
    expect(Date.now() - second).toBeLessThan(1000);
    await sleep(50);
    expect(isAlive(stuck.workerPid)).toBe(false);
    expect(socketFolders()).toEqual([]);
  });

  test("a driver that simply exits leaves no worker", async () => {
    const driver = await runScript(`
      const worker = await fakeWorker({ launch: "${launch}" });
      console.log("pid", worker.pid);
      process.exit(0);
    `);
    await sleep(50);
    expect(isAlive(Number(/pid (\d+)/.exec(driver.stdout)![1]))).toBe(false);
  });
});

test("a wrong interpreter is a sentence", async () => {
  const missing = await death(fakeWorker({ python: "/nowhere/python" }));
  expect(missing.message).toContain("there is no Python interpreter at /nowhere/python");
  const notPython = await death(fakeWorker({ python: "/bin/true" }));
  expect(notPython.message).toContain("exited with code 0 while starting");
});
