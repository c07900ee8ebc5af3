import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import type { NdArray } from "../arrays/nd_array";
import { PROTOCOL_HASH } from "../protocol/hash";
import { type commands, controlToDriver, type controlToWorker, type Ready } from "../protocol/messages";
import { type Call, CallQueue } from "./call_queue";
import { Channel } from "./channel";
import { type Deferred, deferred } from "./deferred";
import { type DeathCause, WorkerDiedError } from "./errors";
import type { Message } from "./frames";
import type { Endpoint, LaunchedWorker, Launcher } from "./launch/launcher";
import { registerWorker } from "./live_workers";
import { Watchdog } from "./watchdog";

export interface ConnectionOptions {
  /** Where the worker is to run. */
  launcher: Launcher;
  device: string;
  threads: number | null;
  /** Seconds until a started worker must have said it is ready. */
  startTimeout: number;
  heartbeatTimeout: number;
  stallTimeout: number;
  /** Close workers on SIGINT and SIGTERM. */
  handleSignals: boolean;
  onLine?: ((line: string) => void) | undefined;
  /** Ends a worker that is still starting; no longer heard once it is ready. */
  signal?: AbortSignal | undefined;
}

export type ReadyInfo = z.infer<typeof Ready>;
export type WorkerStats = z.infer<typeof controlToDriver.stats>;
export type CommandName = keyof typeof commands;
type ControlName = keyof typeof controlToWorker;

type State =
  | { name: "starting" }
  | { name: "open" }
  | { name: "closing" }
  | { name: "dead"; error: WorkerDiedError };

/** Reading 14 GB from a cold disk reports no progress for minutes. */
const loadStallTimeout = 1800;
/** In which a worker's last lines on stderr, and its last messages, arrive after it has ended or said why it will. */
const lastLinesMs = 20;
/** A worker that knows its driver by pings alone must hear some while it imports PyTorch, too. */
const startingPingMs = 1000;

/** A supervised worker, its two sockets, its calls. Everything ends with it. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #endpoint: Endpoint;
  /** The worker's name on both sockets, a secret of the invitation: nobody else is heard on either. */
  readonly #identity = randomBytes(16).toString("hex");
  readonly #control = new Channel(this.#identity);
  readonly #data = new Channel(this.#identity);
  readonly #calls: CallQueue;
  readonly #ready = deferred<ReadyInfo>();
  #state: State = { name: "starting" };
  #worker: LaunchedWorker | undefined;
  #watchdog: Watchdog | undefined;
  #pings: NodeJS.Timeout | undefined;
  #unregister: () => void = () => {};
  #stats: Deferred<WorkerStats> | undefined;
  readonly #token = randomBytes(16).toString("hex");

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#endpoint = options.launcher.listen();
    this.#calls = new CallQueue({
      send: (message) => this.#data.send(message).catch(() => {}), // a lost peer is reported by its exit
      control: (type, body) => this.#tell(type, body),
    });
    this.#ready.promise.catch(() => {});
  }

  /** Starts a worker and waits until it is ready. @throws WorkerDiedError */
  static async open(options: ConnectionOptions): Promise<{ connection: Connection; info: ReadyInfo }> {
    const connection = new Connection(options);
    const close = () => void connection.close();
    options.signal?.addEventListener("abort", close);
    try {
      if (options.signal?.aborted) await connection.close();
      const info = await connection.#start();
      return { connection, info };
    } finally {
      options.signal?.removeEventListener("abort", close);
    }
  }

  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  /** Queues a command; see `CallQueue`. @throws WorkerDiedError when the worker is gone. */
  submit(command: CommandName, body: unknown, arrays: NdArray[], call: Call): number {
    if (this.#state.name === "dead") throw this.#state.error;
    if (this.#state.name === "closing") throw new WorkerDiedError({ kind: "closed" }, "idle", "");
    return this.#calls.submit({ type: command, body, arrays }, call);
  }

  cancel(id: number): void {
    this.#calls.cancel(id);
  }

  credit(id: number, bytes: number): void {
    this.#tell("credit", { id, bytes });
  }

  /** Answered at once, even in the middle of a forward pass. */
  stats(): Promise<WorkerStats> {
    if (this.#state.name === "dead") return Promise.reject(this.#state.error);
    this.#stats ??= deferred();
    this.#tell("stats", {});
    return this.#stats.promise;
  }

  /** Cancels what runs, asks the worker to leave, and makes it leave where it does not. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.name === "dead") return;
    if (this.#state.name !== "closing") {
      this.#state = { name: "closing" };
      this.#calls.cancelAll();
      this.#tell("shutdown", {});
    }
    const ended = this.#worker?.ended ?? Promise.resolve();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await settlesWithin(ended, 2000)) break;
      this.#worker?.signal(signal);
    }
    await ended;
    this.#die({ kind: "closed" });
  }

  async #start(): Promise<ReadyInfo> {
    const { launcher, onLine, startTimeout, handleSignals } = this.#options;
    const bound = await Promise.all([
      this.#control.bind(this.#endpoint.control),
      this.#data.bind(this.#endpoint.data),
    ]).catch((error) => {
      if (!this.#isLeaving) throw error;
      return []; // closed while it was bound
    });
    const [control = "", data = ""] = bound;
    const onBad = (error: Error) => this.#die({ kind: "protocol", reason: error.message });
    if (this.#isLeaving) return this.#ready.promise;
    void this.#control.receive((message) => this.#onControl(message), onBad);
    void this.#data.receive((message, bytes) => this.#calls.receive(message, bytes), onBad);

    const invitation = {
      control,
      data,
      identity: this.#identity,
      token: this.#token,
      folder: this.#endpoint.folder ?? null,
    };
    this.#worker = await launcher.launch(invitation, onLine);
    if (this.#isLeaving) this.#kill(); // closed meanwhile, when there was nothing to end yet
    this.#unregister = registerWorker({ close: () => this.close(), kill: () => this.#kill(), handleSignals });
    this.#worker.ended.then(async (cause) => {
      await sleep(lastLinesMs);
      this.#die(cause);
    });
    const timeout = setTimeout(() => {
      this.#dieSoon({
        kind: "start-failed",
        reason: `it was not ready within ${startTimeout} s. Raise \`startTimeout\` if the machine is that slow.`,
      });
    }, startTimeout * 1000);
    return this.#ready.promise.finally(() => clearTimeout(timeout));
  }

  get #isLeaving(): boolean {
    return this.#state.name === "closing" || this.#state.name === "dead";
  }

  #onControl({ type, body }: Message): void {
    switch (type) {
      case "hello":
        return this.#onHello(controlToDriver.hello.parse(body));
      case "ready":
        return this.#onReady(controlToDriver.ready.parse(body));
      case "pong":
        return this.#watchdog?.pong(controlToDriver.pong.parse(body));
      case "stats":
        this.#stats?.resolve(controlToDriver.stats.parse(body));
        this.#stats = undefined;
        return;
      case "error": {
        const { message } = controlToDriver.error.parse(body);
        // It has said why; its stacks would say no more.
        setTimeout(() => this.#die({ kind: "start-failed", reason: message }), lastLinesMs);
        return;
      }
    }
  }

  #onHello({ token, protocolHash }: z.infer<typeof controlToDriver.hello>): void {
    if (token !== this.#token) return; // not the worker that was invited
    if (protocolHash !== PROTOCOL_HASH) {
      this.#die({ kind: "version-mismatch", driverHash: PROTOCOL_HASH, workerHash: protocolHash });
      return;
    }
    this.#tell("welcome", { device: this.#options.device, threads: this.#options.threads });
    this.#pings = setInterval(() => this.#tell("ping", {}), startingPingMs).unref();
  }

  #onReady(info: ReadyInfo): void {
    if (this.#state.name !== "starting") return;
    this.#state = { name: "open" };
    clearInterval(this.#pings);
    const { heartbeatTimeout, stallTimeout } = this.#options;
    this.#watchdog = new Watchdog({
      ping: () => this.#tell("ping", {}),
      heartbeatTimeout,
      stallTimeout: (command) =>
        command === "load" ? Math.max(stallTimeout, loadStallTimeout) : stallTimeout,
      onUnresponsive: (seconds) => this.#dieSoon({ kind: "unresponsive", seconds }),
      onStalled: (command, seconds) => this.#dieSoon({ kind: "stalled", command, seconds }),
    });
    this.#ready.resolve(info);
  }

  #tell(type: ControlName, body: Record<string, unknown>): void {
    this.#control.send({ id: 0, type, body, arrays: [] }).catch(() => {}); // a lost peer is reported by its exit
  }

  /** Asks the worker for its Python stacks (SIGUSR1), gives them a moment to arrive, then ends it. */
  #dieSoon(cause: DeathCause): void {
    this.#watchdog?.stop();
    this.#worker?.signal("SIGUSR1");
    setTimeout(() => this.#die(cause), 300);
  }

  /** The one way out: every pending call rejects with the same error, process, sockets and files go. */
  #die(cause: DeathCause): void {
    if (this.#state.name === "dead") return;
    const closing = this.#state.name === "closing";
    const phase = this.#state.name === "starting" ? "starting" : this.#calls.currentCommand;
    const error = new WorkerDiedError(
      closing ? { kind: "closed" } : cause,
      phase,
      closing ? "" : (this.#worker?.tail() ?? ""),
    );
    this.#state = { name: "dead", error };
    this.#kill();
    clearInterval(this.#pings);
    this.#watchdog?.stop();
    this.#unregister();
    this.#control.close();
    this.#data.close();
    this.#ready.reject(error);
    this.#stats?.reject(error);
    this.#calls.failAll(error);
  }

  #kill(): void {
    this.#worker?.signal("SIGKILL");
    this.#endpoint.remove();
  }
}

async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return settled;
}
