import { Pair } from "zeromq";
import { askPython } from "./ask_python";

export interface Loopback {
  /** Median round trip of a 64-byte message, in microseconds. */
  smallMicroseconds: number;
  /** Throughput of 1 MB messages, both ways counted, in MB/s. */
  megabytesPerSecond: number;
}

const small = { bytes: 64, messages: 200 };
const large = { bytes: 1_000_000, messages: 20 };
const warmUps = 20;

/** Round trips between this process and Python over ZeroMQ on 127.0.0.1. Takes a second. */
export async function measureLoopback(python: string): Promise<Loopback> {
  const socket = new Pair({ linger: 0, sendTimeout: 15_000, receiveTimeout: 15_000 });
  try {
    await socket.bind("tcp://127.0.0.1:*");
    const echo = askPython("echo", [socket.lastEndpoint ?? "", warmUps + small.messages + large.messages], {
      python,
      timeoutSeconds: 30,
    });
    const [loopback] = await Promise.all([measure(socket), echo]);
    return loopback;
  } finally {
    socket.close();
  }
}

async function measure(socket: Pair): Promise<Loopback> {
  await roundTrips(socket, small.bytes, warmUps);
  const times = await roundTrips(socket, small.bytes, small.messages);
  const largeTimes = await roundTrips(socket, large.bytes, large.messages);
  const seconds = largeTimes.reduce((sum, time) => sum + time, 0) / 1e6;
  return {
    smallMicroseconds: times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN,
    megabytesPerSecond: (2 * large.bytes * large.messages) / 1e6 / seconds,
  };
}

/** Times in microseconds. */
async function roundTrips(socket: Pair, bytes: number, messages: number): Promise<number[]> {
  const message = Buffer.alloc(bytes);
  const times: number[] = [];
  for (let index = 0; index < messages; index++) {
    const start = performance.now();
    await socket.send(message);
    await socket.receive();
    times.push((performance.now() - start) * 1000);
  }
  return times;
}
