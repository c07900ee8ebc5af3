/**
 * A queue between a pushing producer and one `for await` consumer. Ends with `end()` or `fail(error)`; what was
 * pushed before is still delivered. `onConsumed` hears the cost of every item taken, and whether the queue is empty.
 */
export class EventStream<Item> implements AsyncIterableIterator<Item> {
  readonly #items: { item: Item; cost: number }[] = [];
  readonly #onConsumed: (cost: number, drained: boolean) => void;
  readonly #onAbandoned: () => void;
  #end: { error: Error | undefined } | undefined;
  #waiting: { resolve(result: IteratorResult<Item>): void; reject(error: Error): void } | undefined;

  constructor(onConsumed: (cost: number, drained: boolean) => void, onAbandoned: () => void) {
    this.#onConsumed = onConsumed;
    this.#onAbandoned = onAbandoned;
  }

  push(item: Item, cost: number): void {
    if (this.#end !== undefined) return;
    if (this.#waiting === undefined) {
      this.#items.push({ item, cost });
      return;
    }
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    this.#onConsumed(cost, true);
    resolve({ value: item, done: false });
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: Error): void {
    this.#finish(error);
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#waiting !== undefined)
      return Promise.reject(new Error("A stream has one reader; `next()` is already waiting."));
    const entry = this.#items.shift();
    if (entry !== undefined) {
      this.#onConsumed(entry.cost, this.#items.length === 0);
      return Promise.resolve({ value: entry.item, done: false });
    }
    if (this.#end !== undefined) return this.#ended();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Called by `break` in a `for await`: nobody reads on. */
  return(): Promise<IteratorResult<Item>> {
    if (this.#end === undefined) this.#onAbandoned();
    this.#end = { error: undefined };
    this.#items.length = 0;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (this.#waiting === undefined) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = undefined;
    this.#ended().then(resolve, reject);
  }

  /** The error is thrown once; after that the stream is simply over. */
  #ended(): Promise<IteratorResult<Item>> {
    const error = this.#end?.error;
    this.#end = { error: undefined };
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }
}
