import { expect, test } from "vitest";
import type { Worker } from "../../../src/client";
import { Crew, type StartWorker, startFirst } from "../../../src/experiments/decode/workers";
import { fakeWorker, isAlive } from "../../support/fake_worker";

test("the first worker is started at once and given once; whoever asks again gets a new one", async () => {
  let started = 0;
  const start = async () => ({ pid: ++started }) as Worker;
  const { first, starts } = await startFirst([start, start]);
  expect(first.pid).toBe(1);
  expect(starts).toHaveLength(2);
  expect(await starts[0]!()).toBe(first);
  expect((await starts[1]!()).pid).toBe(2);
  expect((await starts[0]!()).pid).toBe(3);
});

test("a worker that dies while another is still starting leaves none behind", async () => {
  const pids: number[] = [];
  const onLog = (line: string) => pids.push(Number(/pid (\d+)/.exec(line)?.[1]));
  const start =
    (how: string): StartWorker =>
    (signal) =>
      fakeWorker({ env: { FAKE_START: how }, onLine: onLog, signal });
  const open = async () => {
    await using crew = new Crew([start("slow"), start("bad-device")], {});
    await crew.load("ok");
  };
  const began = Date.now();
  await expect(open()).rejects.toThrow("The worker did not start");
  expect(Date.now() - began).toBeLessThan(15_000); // its start alone would be given up after 30 s
  const alive = pids.filter((pid) => pid > 0 && isAlive(pid));
  expect([pids.filter((pid) => pid > 0).length, alive]).toEqual([1, []]); // the other says nothing before it dies
});

test("a start that is called off ends at once, at whatever moment", async () => {
  for (const delay of [0, 1, 20, 200]) {
    const leaving = new AbortController();
    const pids: number[] = [];
    const started = fakeWorker({
      env: { FAKE_START: "slow" },
      onLine: (line) => pids.push(Number(/pid (\d+)/.exec(line)?.[1])),
      signal: leaving.signal,
    });
    setTimeout(() => leaving.abort(), delay);
    await expect(started).rejects.toThrow("The worker was closed.");
    expect(pids.filter(isAlive)).toEqual([]);
  }
});
