import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { DeathCause } from "../../src/bridge/errors";
import type { LaunchedWorker, Launcher } from "../../src/bridge/launch/launcher";
import type { LocalOptions } from "../../src/bridge/launch/local";

/** Seconds without a ping after which such a worker leaves: three pings, of which there is one a second. */
export const leaseSeconds = 3;

/**
 * Starts workers as a scheduler does: nothing ties them to this process. The invitation is a file that only this user
 * may read, the sockets are TCP, what they print goes to a file, and a worker knows its driver by its pings.
 */
export function elsewhere({ python, pythonPath, module, env }: LocalOptions): Launcher {
  return {
    listen: () => ({
      control: "tcp://127.0.0.1:*",
      data: "tcp://127.0.0.1:*",
      folder: undefined,
      remove: () => {},
    }),
    launch: async (invitation) => {
      const folder = mkdtempSync(join(tmpdir(), "elsewhere-"));
      const file = join(folder, "invitation.json");
      writeFileSync(file, JSON.stringify({ ...invitation, lease: leaseSeconds }), { mode: 0o600 });
      const log = openSync(join(folder, "log"), "a");
      const child = spawn(python, ["-u", "-m", module, "--invitation", file], {
        env: {
          ...process.env,
          ...env,
          PYTHONPATH: [pythonPath, process.env.PYTHONPATH].filter(Boolean).join(delimiter),
        },
        stdio: ["ignore", log, log],
        detached: true,
      });
      const ended = new Promise<DeathCause>((resolve) => {
        child.on("error", (error) => resolve({ kind: "start-failed", reason: error.message }));
        child.on("exit", (code, signal) =>
          resolve({ kind: "exited", exitCode: code ?? undefined, signal: signal ?? undefined }),
        );
      });
      const worker: LaunchedWorker = {
        pid: child.pid,
        ended,
        tail: () => readFileSync(join(folder, "log"), "utf8").trim(),
        signal: (signal) => child.exitCode === null && child.signalCode === null && child.kill(signal),
      };
      ended.then(() => setTimeout(() => rmSync(folder, { recursive: true, force: true }), 1000).unref());
      return worker;
    },
  };
}
