/** A command the worker refused or could not finish; the worker itself lives on. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  /** Stable name for programs, such as "bad-image", "hook-unmatched", "out-of-memory", "internal". */
  readonly code: string;
  /** The Python traceback; empty where the fault is the caller's. */
  readonly traceback: string;

  constructor({ code, message, traceback }: { code: string; message: string; traceback: string }) {
    super(message);
    this.code = code;
    this.traceback = traceback;
  }
}
