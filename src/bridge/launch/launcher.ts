import type { DeathCause } from "../errors";

/** Where workers run: processes of this machine, jobs of a scheduler. A `Connection` knows no more of it. */
export interface Launcher {
  /** Two fresh addresses to bind, that a worker started by `launch` can reach. */
  listen(): Endpoint;
  /** Starts one worker, which dials back; that it could not be started is told by its end. */
  launch(invitation: Invitation, onLine?: (line: string) => void): Promise<LaunchedWorker>;
}

/** Where driver and worker meet: two socket addresses, and how to leave nothing behind. */
export interface Endpoint {
  control: string;
  data: string;
  /** Folder of the socket files; the worker removes it should the driver be killed. */
  folder: string | undefined;
  remove(): void;
}

/** What a worker must know to dial back: bound addresses, its name there, and the token that proves it was invited. */
export interface Invitation {
  control: string;
  data: string;
  identity: string;
  token: string;
  folder: string | null;
}

/** A worker that was started: its end, its last lines, and ways to end it. */
export interface LaunchedWorker {
  /** On this machine, where it runs here. */
  readonly pid: number | undefined;
  /** Settles when the worker is gone, however it went. */
  readonly ended: Promise<DeathCause>;
  /** What it printed last, newest last. */
  tail(): string;
  /** SIGUSR1 asks for its Python stacks, SIGTERM to leave, SIGKILL ends it with everything it started. */
  signal(signal: "SIGUSR1" | "SIGTERM" | "SIGKILL"): void;
}
