import { delimiter, join } from "node:path";
import { Connection, type ConnectionOptions } from "../../src/bridge/connection";
import type { Launcher } from "../../src/bridge/launch/launcher";
import { type LocalOptions, local } from "../../src/bridge/launch/local";
import { Worker } from "../../src/client/worker";
import { findPython } from "../../src/environment/python";
import { elsewhere } from "./elsewhere";

const root = join(__dirname, "../..");

export type FakeOptions = Partial<Omit<ConnectionOptions, "launcher">> & {
  python?: string;
  env?: Record<string, string>;
  /** "elsewhere": the worker is told where to connect by a file, over TCP, and knows its driver by pings alone. */
  launch?: "local" | "elsewhere";
};

/** A connection to `test/fixtures/python/fake_worker.py`: the real server around an engine that misbehaves on request. */
export function fakeConnection({ python, env, launch = "local", ...options }: FakeOptions = {}) {
  const start: (options: LocalOptions) => Launcher = launch === "local" ? local : elsewhere;
  return Connection.open({
    launcher: start({
      python: python ?? findPython().python,
      pythonPath: [join(root, "python"), join(root, "test/fixtures/python")].join(delimiter),
      module: "fake_worker",
      env: env ?? {},
    }),
    device: "cpu",
    threads: null,
    startTimeout: 30,
    heartbeatTimeout: 20,
    stallTimeout: 300,
    handleSignals: false,
    ...options,
  });
}

export async function fakeWorker(options: FakeOptions = {}): Promise<Worker> {
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
