/** The workers of this process, so that none outlives it. */

interface LiveWorker {
  /** Graceful. */
  close(): Promise<void>;
  /** At once, synchronously. */
  kill(): void;
  /** Whether Ctrl-C and SIGTERM are this package's business. */
  handleSignals: boolean;
}

const live = new Set<LiveWorker>();
let leaving = false;

/** @returns a function that takes the worker off the list again. */
export function registerWorker(worker: LiveWorker): () => void {
  live.add(worker);
  listen();
  return () => {
    live.delete(worker);
    listen();
  };
}

/** A listener for a signal takes its default effect away, so there is one only while a worker wants it. */
function listen(): void {
  toggle("exit", killAll, live.size > 0);
  const signals = [...live].some(({ handleSignals }) => handleSignals);
  toggle("SIGINT", interrupt, signals);
  toggle("SIGTERM", terminate, signals);
}

function toggle(event: string, listener: () => void, wanted: boolean): void {
  process.off(event, listener);
  if (wanted) process.on(event, listener);
}

function killAll(): void {
  for (const worker of live) worker.kill();
}

const interrupt = () => leave(130);
const terminate = () => leave(143);

/** Once: running generations are cancelled and workers closed. Twice: everything ends now. */
function leave(exitCode: number): void {
  if (leaving) process.exit(exitCode);
  leaving = true;
  Promise.allSettled([...live].map((worker) => worker.close())).then(() => process.exit(exitCode));
}
