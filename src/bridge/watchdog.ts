import type { z } from "zod";
import type { Pong } from "../protocol/messages";

export interface WatchdogOptions {
  ping(): void;
  /** No answer to pings for this long: the process is stopped, or its interpreter is stuck. Seconds. */
  heartbeatTimeout: number;
  /** Busy with the named command, but its progress counter stands still for this long. Seconds. */
  stallTimeout(command: string): number;
  onUnresponsive(seconds: number): void;
  onStalled(command: string, seconds: number): void;
}

/**
 * Finds workers that live but do nothing. A heartbeat alone is not enough: a thread that answers pings says nothing
 * about the forward pass beside it, so a busy worker must also make progress.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timer: NodeJS.Timeout;
  #lastTick = Date.now();
  #lastPong = Date.now();
  #progress = { key: "", since: Date.now() };

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const interval = Math.min(1000, (options.heartbeatTimeout * 1000) / 4);
    this.#timer = setInterval(() => this.#tick(interval), interval);
    this.#timer.unref();
  }

  pong({ state, command, id, progress }: z.infer<typeof Pong>): void {
    this.#lastPong = Date.now();
    const key = `${state} ${id} ${progress}`;
    if (key !== this.#progress.key || state !== "busy") this.#progress = { key, since: this.#lastPong };
    const seconds = (this.#lastPong - this.#progress.since) / 1000;
    if (seconds > this.#options.stallTimeout(command)) this.#options.onStalled(command, Math.round(seconds));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(interval: number): void {
    const now = Date.now();
    // This process itself slept (a laptop lid, SIGSTOP, a long synchronous loop): the silence says nothing.
    if (now - this.#lastTick > 4 * interval) {
      this.#lastPong = now;
      this.#progress.since = now;
    }
    this.#lastTick = now;
    const seconds = (now - this.#lastPong) / 1000;
    if (seconds > this.#options.heartbeatTimeout) this.#options.onUnresponsive(Math.round(seconds));
    else this.#options.ping();
  }
}
