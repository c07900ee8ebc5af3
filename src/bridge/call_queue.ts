import { WorkerFault } from "../protocol/messages";
import { WorkerError } from "./errors";
import type { Message } from "./frames";

/** What happens to a command: any number of events, then exactly one of result, cancelled, error. */
export interface Call {
  onEvent(message: Message, bytes: number): void;
  onResult(message: Message): void;
  onCancelled(): void;
  onError(error: Error): void;
}

interface Outlet {
  send(message: Message): void;
  control(type: "cancel", body: { id: number }): void;
}

type Entry = Call & { message: Message };

/**
 * Commands in order, one at the worker at a time: so a waiting command can be cancelled at once, and a busy worker's
 * silence always belongs to a known command.
 */
export class CallQueue {
  readonly #outlet: Outlet;
  readonly #waiting: Entry[] = [];
  #current: Entry | undefined;
  #lastId = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  get currentCommand(): string {
    return this.#current?.message.type ?? "idle";
  }

  /** @returns the id to cancel it with. */
  submit(message: Omit<Message, "id">, call: Call): number {
    const id = ++this.#lastId;
    this.#waiting.push({ ...call, message: { ...message, id } });
    this.#next();
    return id;
  }

  cancel(id: number): void {
    const index = this.#waiting.findIndex(({ message }) => message.id === id);
    if (index >= 0) {
      const [entry] = this.#waiting.splice(index, 1);
      entry?.onCancelled();
    } else if (this.#current?.message.id === id) {
      this.#outlet.control("cancel", { id });
    }
  }

  cancelAll(): void {
    for (const { message } of [...this.#waiting]) this.cancel(message.id);
    if (this.#current) this.cancel(this.#current.message.id);
  }

  failAll(error: Error): void {
    const entries = [...(this.#current ? [this.#current] : []), ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const entry of entries) entry.onError(error);
  }

  /** A message from the worker. Those of a call that is over are dropped. */
  receive(message: Message, bytes: number): void {
    const call = this.#current;
    if (call === undefined || message.id !== call.message.id) return;
    switch (message.type) {
      case "result":
        return this.#finish(() => call.onResult(message));
      case "cancelled":
        return this.#finish(() => call.onCancelled());
      case "error": {
        const fault = WorkerFault.parse(message.body);
        return this.#finish(() => call.onError(new WorkerError(fault)));
      }
      default:
        call.onEvent(message, bytes);
    }
  }

  #finish(settle: () => void): void {
    this.#current = undefined;
    settle();
    this.#next();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) this.#outlet.send(this.#current.message);
  }
}
