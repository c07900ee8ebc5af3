/** How a worker ended. */
export type DeathCause =
  | { kind: "exited"; exitCode: number | undefined; signal: string | undefined }
  | { kind: "start-failed"; reason: string }
  | { kind: "version-mismatch"; driverHash: string; workerHash: string }
  | { kind: "unresponsive"; seconds: number }
  | { kind: "stalled"; command: string; seconds: number }
  | { kind: "protocol"; reason: string }
  | { kind: "closed" };

/** The worker is gone. Every pending and later call on it rejects with this one error. */
export class WorkerDiedError extends Error {
  override readonly name = "WorkerDiedError";
  readonly #cause: DeathCause;
  /** The last lines the worker printed, newest last; holds the Python stacks where they were dumped. */
  readonly stderrTail: string;
  /** What the worker was doing: "starting", "idle", or the name of a command. */
  readonly phase: string;

  constructor(cause: DeathCause, phase: string, stderrTail: string) {
    const tail = stderrTail.trim();
    super(`${sentence(cause, phase)}${tail ? `\nIts last lines:\n${indent(tail)}` : ""}`);
    this.#cause = cause;
    this.phase = phase;
    this.stderrTail = stderrTail;
  }

  get death(): DeathCause {
    return this.#cause;
  }
}

function sentence(cause: DeathCause, phase: string): string {
  const during =
    phase === "idle" ? "while idle" : phase === "starting" ? "while starting" : `during "${phase}"`;
  switch (cause.kind) {
    case "exited":
      return `The worker ${exit(cause.exitCode, cause.signal)} ${during}.`;
    case "start-failed":
      return `The worker did not start: ${cause.reason}`;
    case "version-mismatch":
      return (
        `The worker speaks protocol ${cause.workerHash}, this package ${cause.driverHash}: the Python package ` +
        "aai_worker and the npm package align-attention come from different versions. Install them from one release."
      );
    case "unresponsive":
      return `The worker did not answer for ${cause.seconds} s ${during} and was ended; it may have been stopped or be out of memory.`;
    case "stalled":
      return `The worker made no progress in "${cause.command}" for ${cause.seconds} s and was ended. Raise \`stallTimeout\` if the machine is that slow.`;
    case "protocol":
      return `The worker sent a message that this package cannot read (${cause.reason}) and was ended.`;
    case "closed":
      return "The worker was closed.";
  }
}

function exit(exitCode: number | undefined, signal: string | undefined): string {
  if (signal === "SIGKILL") return "was killed (SIGKILL; the system does so when memory runs out)";
  if (signal !== undefined) return `was ended by ${signal}`;
  return `exited with code ${exitCode ?? "unknown"}`;
}

const indent = (text: string) => text.replace(/^/gm, "  ");
