import { delimiter, join } from "node:path";
import { Connection, type ConnectionOptions } from "../../src/bridge/connection";
import { Worker } from "../../src/client/worker";
import { findPython } from "../../src/environment/python";

const root = join(__dirname, "../..");

/** A connection to `test/fixtures/python/fake_worker.py`: the real server around an engine that misbehaves on request. */
export function fakeConnection(options: Partial<ConnectionOptions> = {}) {
  return Connection.open({
    python: findPython().python,
    pythonPath: [join(root, "python"), join(root, "test/fixtures/python")].join(delimiter),
    module: "fake_worker",
    device: "cpu",
    threads: null,
    env: {},
    startTimeout: 30,
    heartbeatTimeout: 20,
    stallTimeout: 300,
    handleSignals: false,
    ...options,
  });
}

export async function fakeWorker(options: Partial<ConnectionOptions> = {}): Promise<Worker> {
  const { connection, info } = await fakeConnection(options);
  return new Worker(connection, info);
}

/** Whether a process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const { readFileSync } = require("node:fs") as typeof import("node:fs");
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
