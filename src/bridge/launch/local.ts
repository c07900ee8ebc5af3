import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { moduleArguments } from "../../base/python_module";
import type { DeathCause } from "../errors";
import { createEndpoint } from "./endpoint";
import type { Invitation, LaunchedWorker, Launcher } from "./launcher";

/** How a worker of this machine is started. */
export interface LocalOptions {
  /** The interpreter. */
  python: string;
  /** Folder that holds the Python package `aai_worker`. */
  pythonPath: string;
  /** Module run with `-m`. */
  module: string;
  env: Record<string, string>;
}

/**
 * Workers as processes of this machine, each in a process group of its own, so that Ctrl-C reaches the driver alone and
 * a kill reaches everything the worker started. The invitation is the first line on its stdin; when that ends, this
 * process is gone, and the worker leaves.
 */
export function local(options: LocalOptions): Launcher {
  return { listen: createEndpoint, launch: (invitation, onLine) => start(options, invitation, onLine) };
}

const tailLines = 60;

async function start(
  { python, pythonPath, module, env }: LocalOptions,
  invitation: Invitation,
  onLine?: (line: string) => void,
): Promise<LaunchedWorker> {
  const { execa } = await import("execa"); // ESM only: tsx cannot load it by require
  const child = execa(python, ["-u", ...moduleArguments(module)], {
    env: {
      ...env,
      PYTHONPATH: [pythonPath, process.env.PYTHONPATH].filter(Boolean).join(delimiter),
    },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    reject: false,
    cleanup: false,
    detached: true,
  });
  child.stdin.on("error", () => {}); // EPIPE: the worker is gone, which `ended` reports
  child.stdin.write(`${JSON.stringify(invitation)}\n`);

  const lines: string[] = [];
  const collect = (line: string) => {
    lines.push(line);
    if (lines.length > tailLines) lines.shift();
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", collect);

  return {
    pid: child.pid,
    ended: child.then((result): DeathCause => {
      if (result.exitCode === undefined && result.signal === undefined) {
        return { kind: "start-failed", reason: launchFailure(python, result.originalMessage ?? "") };
      }
      return { kind: "exited", exitCode: result.exitCode, signal: result.signal };
    }),
    tail: () => lines.join("\n"),
    signal: (signal) => signalGroup(child.pid, signal),
  };
}

function launchFailure(python: string, reason: string): string {
  if (!existsSync(python) && python.includes("/")) {
    return `there is no Python interpreter at ${python}. Run \`npx aai setup\`, or set AAI_PYTHON.`;
  }
  return `${python} could not be run (${reason}). Run \`npx aai setup\`, or set AAI_PYTHON.`;
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    if (process.platform === "win32") process.kill(pid, signal);
    else process.kill(-pid, signal);
  } catch {
    // already gone
  }
}

/** The folder of the Python package inside an installed or checked-out align-attention. */
export function bundledPythonPath(packageRoot: string): string {
  return join(packageRoot, "python");
}
