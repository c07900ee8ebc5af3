import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toFloat32 } from "../../src/arrays";
import type { CommandName } from "../../src/bridge/connection";
import { WorkerError } from "../../src/bridge/errors";
import type { GenerationEvent } from "../../src/client/events";
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import { fakeConnection, fakeWorker } from "../support/fake_worker";

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await fakeWorker();
  model = await worker.load("ok");
});
afterAll(() => worker.close());

const megabyte = 2 ** 20;

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return Number(kilobytes) * 1024;
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test("events arrive in order and end with exactly one terminal event", async () => {
  const events = await collect(model.generate({ prompt: "tokens 500" }));
  const tokens = events.filter((event) => event.type === "token");
  expect(tokens.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, id) => id));
  expect(events.slice(-2).map(({ type }) => type)).toEqual(["row", "done"]);
  expect(events.filter(({ type }) => type === "done")).toHaveLength(1);
});

test("result() is the whole, and equals what streams", async () => {
  const { text, tokenIds } = await model.generate({ prompt: "tokens 50" }).result();
  let streamed = "";
  for await (const event of model.generate({ prompt: "tokens 50" }))
    if (event.type === "token") streamed += event.text;
  expect(text).toBe(streamed);
  expect(tokenIds).toHaveLength(50);
});

test("a reader that pauses bounds the memory of both processes, and misses nothing", async () => {
  const count = 600; // one MB each
  const before = residentBytes(process.pid) + residentBytes(worker.pid!);
  const run = model.generate({ prompt: `flood ${count}` });
  let next = 0;
  let peak = 0;
  for await (const event of run) {
    if (event.type !== "attention") continue;
    expect(event.map.shape).toEqual([1, 1, 2 ** 18]);
    expect(toFloat32(event.map)[777]).toBe(next);
    next += 1;
    if (next === 1) await sleep(1500);
    peak = Math.max(peak, residentBytes(process.pid) + residentBytes(worker.pid!) - before);
  }
  expect(next).toBe(count);
  expect(peak).toBeLessThan(256 * megabyte);
});

test("a slow reader's tokens travel together", async () => {
  const run = model.generate({ prompt: "flood 64" });
  const events: GenerationEvent[] = [];
  for await (const event of run) {
    events.push(event);
    if (events.length < 10) await sleep(20);
  }
  expect(events.filter(({ type }) => type === "token")).toHaveLength(64);
});

test("other calls are answered while nobody reads, as far as the control socket goes", async () => {
  const run = model.generate({ prompt: "flood 100" });
  await sleep(300);
  const { residentBytes: bytes } = await worker.stats();
  expect(bytes).toBeGreaterThan(megabyte);
  run.cancel();
  const events = await collect(run);
  expect(events.at(-1)).toEqual({ type: "cancelled" });
});

test("an AbortSignal ends the stream with `cancelled`, result() with an AbortError", async () => {
  const controller = new AbortController();
  const run = model.generate({ prompt: "slow 100000", signal: controller.signal });
  const types: string[] = [];
  for await (const event of run) {
    types.push(event.type);
    if (types.length === 3) controller.abort();
  }
  expect(types.at(-1)).toBe("cancelled");
  expect(types.length).toBeLessThan(50);

  const result = model.generate({ prompt: "slow 100000", signal: AbortSignal.timeout(50) }).result();
  await expect(result).rejects.toMatchObject({ name: "AbortError" });
  await expect(
    model.generate({ prompt: "tokens 1", signal: AbortSignal.abort() }).result(),
  ).rejects.toMatchObject({
    name: "AbortError",
  });
});

test("a generation that waits its turn is cancelled at once", async () => {
  const first = model.generate({ prompt: "slow 300" });
  const second = model.generate({ prompt: "tokens 1" });
  second.cancel();
  await expect(second.result()).rejects.toMatchObject({ name: "AbortError" });
  const { tokenIds } = await first.result();
  expect(tokenIds).toHaveLength(300);
});

test("leaving the loop cancels, and the worker is free again", async () => {
  for await (const event of model.generate({ prompt: "slow 100000" })) if (event.type === "token") break;
  const { text } = await model.generate({ prompt: "tokens 3" }).result();
  expect(text).toBe("0 1 2 ");
});

test("a result of the wrong shape is an error of its call, not a hang", async () => {
  await expect(worker.load("lie")).rejects.toThrow();
  await expect(worker.load("ok")).resolves.toBeDefined();
});

test("an unknown command is answered with a typed error, and the worker lives on", async () => {
  const { connection } = await fakeConnection();
  const error = await new Promise<unknown>((resolve) => {
    const ignore = () => {};
    const call = { onEvent: ignore, onResult: resolve, onCancelled: ignore, onError: resolve };
    connection.submit("levitate" as CommandName, {}, [], call);
  });
  expect(error).toBeInstanceOf(WorkerError);
  expect(error).toMatchObject({ code: "unknown-command", message: expect.stringContaining('"levitate"') });
  await expect(connection.stats()).resolves.toMatchObject({ models: [] });
  await connection.close();
});

test("a missing image is a sentence", async () => {
  await expect(model.generate({ prompt: "x", image: "/no/such.png" }).result()).rejects.toThrow(
    "There is no image file at /no/such.png.",
  );
  await expect(model.generate({ prompt: "x", image: __dirname }).result()).rejects.toThrow("is a folder");
  await expect(model.generate({ prompt: "x", image: "data:nothing" }).result()).rejects.toThrow(
    "data:image/png;base64",
  );
});
