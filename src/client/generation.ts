import { WorkerError } from "../bridge/errors";
import { EventStream } from "../bridge/event_stream";
import type { Message } from "../bridge/frames";
import { GenerateSummary, generateEvents } from "../protocol/messages";
import type { GenerationEvent } from "./events";

/** What a generation needs of the connection: set once its command is on the way. */
export interface GenerationHandle {
  cancel(): void;
  credit(bytes: number): void;
}

interface Callbacks {
  onEvent(message: Message, bytes: number): void;
  onResult(message: Message): void;
  onCancelled(): void;
  onError(error: Error): void;
}

/** Gets the command ready (reads images), then hands out what puts it on the way. */
export type Prepare = () => Promise<(callbacks: Callbacks) => GenerationHandle>;

/** Seconds without a read after which a stalled reader is told why nothing moves. */
const unreadWarning = 30;

/**
 * A running generation. Read its events with `for await`, or wait for everything with `result()`. One reader;
 * leaving the loop early cancels.
 */
export class Generation<Result> implements AsyncIterable<GenerationEvent> {
  readonly #window: number;
  readonly #events: EventStream<GenerationEvent>;
  readonly #collect: (events: AsyncIterable<GenerationEvent>) => Promise<Result>;
  #handle: GenerationHandle | undefined;
  #cancelled = false;
  #uncredited = 0;
  #unread: NodeJS.Timeout | undefined;
  /** Lets go of the caller's signal, which may outlive many generations. */
  readonly #ended = new AbortController();

  /** @param window bytes the worker may send ahead of the reader. */
  constructor(
    prepare: Prepare,
    window: number,
    collect: (events: AsyncIterable<GenerationEvent>) => Promise<Result>,
    signal: AbortSignal | undefined,
  ) {
    this.#window = window;
    this.#collect = collect;
    this.#events = new EventStream(
      (bytes, drained) => this.#consumed(bytes, drained),
      () => this.cancel(),
    );
    this.#start(prepare).catch((error: Error) => this.#events.fail(error));
    if (signal?.aborted) this.cancel();
    signal?.addEventListener("abort", () => this.cancel(), { signal: this.#ended.signal });
  }

  [Symbol.asyncIterator](): AsyncIterator<GenerationEvent> {
    return this.#events;
  }

  /** Reads the rest and returns the whole. @throws AbortError when cancelled, WorkerError, WorkerDiedError */
  result(): Promise<Result> {
    return this.#collect(this.#events);
  }

  /** Stops within one decoding step; the events end with `cancelled`. */
  cancel(): void {
    this.#cancelled = true;
    this.#handle?.cancel();
  }

  async #start(prepare: Prepare): Promise<void> {
    const submit = await prepare();
    if (this.#cancelled) return this.#finish({ type: "cancelled" });
    this.#handle = submit({
      onEvent: (message, bytes) => this.#onEvent(message, bytes),
      onResult: ({ body }) => this.#finish({ type: "done", ...GenerateSummary.parse(body) }),
      onCancelled: () => this.#finish({ type: "cancelled" }),
      onError: (error) => {
        this.#ended.abort();
        clearTimeout(this.#unread);
        this.#events.fail(error);
      },
    });
  }

  #onEvent(message: Message, bytes: number): void {
    const events = publicEvents(message);
    this.#watchReader(bytes);
    // The bytes are given back with the last event they came with.
    for (const [index, event] of events.entries())
      this.#events.push(event, index === events.length - 1 ? bytes : 0);
    if (events.length === 0) this.#consumed(bytes, true);
  }

  #finish(event: GenerationEvent): void {
    this.#ended.abort();
    clearTimeout(this.#unread);
    this.#events.push(event, 0);
    this.#events.end();
  }

  #consumed(bytes: number, drained: boolean): void {
    clearTimeout(this.#unread);
    this.#unread = undefined;
    this.#uncredited += bytes;
    if (this.#uncredited === 0 || (!drained && this.#uncredited < this.#window / 4)) return;
    this.#handle?.credit(this.#uncredited);
    this.#uncredited = 0;
  }

  #watchReader(bytes: number): void {
    if (this.#unread !== undefined || bytes === 0) return;
    this.#unread = setTimeout(() => {
      process.emitWarning(
        `A generation has unread events for ${unreadWarning} s; the worker pauses when ${this.#window} bytes are unread, ` +
          "and other calls wait behind it. Read it with `for await`, or cancel() it.",
      );
    }, unreadWarning * 1000);
    this.#unread.unref();
  }
}

/** What a wire event means to a reader; types of a newer worker mean nothing. */
function publicEvents({ type, body, arrays }: Message): GenerationEvent[] {
  switch (type) {
    case "prefilled":
      return [{ type, ...generateEvents.prefilled.parse(body) }];
    case "tokens":
      return generateEvents.tokens.parse(body).tokens.map((token) => ({ type: "token", ...token }));
    case "attention":
      return [{ type, ...generateEvents.attention.parse(body), map: arrays[0]! }];
    case "attested":
      return [{ type, ...generateEvents.attested.parse(body) }];
    case "row": {
      const { fault, finishReason, alternatives, probes, ...row } = generateEvents.row.parse(body);
      if (finishReason !== "failed") return [{ type, ...row, finishReason, alternatives, probes }];
      const error = new WorkerError(fault ?? { code: "internal", message: "The row failed.", traceback: "" });
      return [{ type, ...row, finishReason, error }];
    }
    default:
      return [];
  }
}
