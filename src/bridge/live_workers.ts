/** The workers of this process, so that none outlives it. */

interface LiveWorker {
  close(): Promise<void>;
  /** Ends the worker at once, synchronously. */
  kill(): void;
  handleSignals: boolean;
}

const live = new Set<LiveWorker>();
let interrupted = false;

/** @returns a function that takes the worker off the list again. */
export function registerWorker(worker: LiveWorker): () => void {
  if (live.size === 0) {
    process.on("exit", killAll);
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", terminate);
  }
  live.add(worker);
  return () => {
    live.delete(worker);
    if (live.size > 0) return;
    process.off("exit", killAll);
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", terminate);
  };
}

function killAll(): void {
  for (const worker of live) worker.kill();
}

/** Ctrl-C once: running generations are cancelled and workers closed. Twice: everything ends now. */
function interrupt(): void {
  leave(130);
}

function terminate(): void {
  leave(143);
}

function leave(exitCode: number): void {
  const handled = [...live].filter((worker) => worker.handleSignals);
  if (handled.length === 0) return;
  if (interrupted) process.exit(exitCode);
  interrupted = true;
  Promise.allSettled(handled.map((worker) => worker.close())).then(() => process.exit(exitCode));
}
