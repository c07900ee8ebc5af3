import { expect, test } from "vitest";
import type { Worker } from "../../src/client";
import { startFirst } from "../../src/sweep/workers";

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
