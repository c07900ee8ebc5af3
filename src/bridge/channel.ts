import { Router } from "zeromq";
import { byteLength, decodeMessage, encodeMessage, type Message } from "./frames";

/**
 * One ROUTER socket with one peer, which is known by its name; others are not heard. ZeroMQ allows one pending send and one pending receive per socket, so this is
 * the only place that touches it: sends wait in line, one loop receives.
 */
export class Channel {
  readonly #socket = new Router({
    mandatory: true, // an unknown peer is an error, not a silently dropped message
    linger: 0,
    sendHighWaterMark: 0, // backpressure is counted in bytes, by credits
    receiveHighWaterMark: 0,
  });
  readonly #peer: string;
  #sending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(peer: string) {
    this.#peer = peer;
    this.#socket.context.blocky = false; // never delays the exit of the process
  }

  /** @returns the address bound, with the port the system chose. */
  async bind(address: string): Promise<string> {
    await this.#socket.bind(address);
    return this.#socket.lastEndpoint ?? address;
  }

  /** Resolves once the message is queued. Rejects where the peer is gone. */
  send(message: Message): Promise<void> {
    const frames = encodeMessage(message);
    const sent = this.#sending.then(() => this.#socket.send([this.#peer, ...frames]));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  /** Hands every message and its size in bytes to `handle`, until the channel is closed. A bad message goes to `fail`. */
  async receive(
    handle: (message: Message, bytes: number) => void,
    fail: (error: Error) => void,
  ): Promise<void> {
    try {
      for await (const [from, ...frames] of this.#socket) {
        if (from?.toString() !== this.#peer) continue; // nobody who was invited
        try {
          handle(decodeMessage(frames), byteLength(frames));
        } catch (error) {
          fail(error as Error);
        }
      }
    } catch (error) {
      if (!this.#closed) fail(error as Error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}
