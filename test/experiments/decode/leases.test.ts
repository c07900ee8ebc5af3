import { expect, test } from "vitest";
import { Leases } from "../../../src/experiments/decode/leases";
import type { RowTask } from "../../../src/experiments/decode/row_task";
import { greedy } from "../../../src/methods";

const task = (image: number, cell: number): RowTask => ({
  key: `${cell} ${image}`,
  request: { image: `${image}.png`, prompt: "" },
  search: greedy(),
  contrast: undefined,
  fields: {},
});
/** Every cell of an image, image by image. */
const tasks = (images: number, cells: number) =>
  Array.from({ length: images * cells }, (_, i) => task(Math.floor(i / cells), i % cells));
const images = (lease: { tasks: readonly RowTask[] } | undefined) =>
  lease && [...new Set(lease.tasks.map(({ request }) => request.image))];

test("the rows of an image stay together, and one worker takes them all", async () => {
  const leases = new Leases(tasks(3, 4), 1);
  const lease = await leases.take();
  expect(lease!.tasks).toHaveLength(12);
  leases.finish(lease!);
  expect(await leases.take()).toBeUndefined();
});

test("several workers get shares that shrink towards the end", async () => {
  const leases = new Leases(tasks(64, 4), 2);
  const sizes: number[] = [];
  for (let lease = await leases.take(); lease; lease = await leases.take()) {
    sizes.push(lease.tasks.length);
    leases.finish(lease);
  }
  expect(sizes).toEqual([64, 48, 36, 28, 20, 16, 16, 16, 12]);
  expect(sizes.every((size) => size % 4 === 0)).toBe(true);
});

test("what a dead worker leaves undone comes again, image by image, and is given up after three deaths", async () => {
  const leases = new Leases(tasks(3, 2), 1);
  const first = await leases.take();
  expect(leases.giveBack(first!, ({ key }) => key === "0 0" || key.endsWith(" 2"))).toEqual([]);
  const second = await leases.take();
  expect(second!.tasks.map(({ key }) => key)).toEqual(["1 0"]);
  expect(leases.giveBack(second!, () => false)).toEqual([]);
  const third = await leases.take();
  expect(images(third)).toEqual(["0.png"]);
  expect(leases.giveBack(third!, () => false).map(({ key }) => key)).toEqual(["1 0"]);
  const last = await leases.take();
  expect(last!.tasks.map(({ key }) => key)).toEqual(["0 1", "1 1"]);
  leases.finish(last!);
  expect(await leases.take()).toBeUndefined();
});

test("a worker without work waits while another might give some back", async () => {
  const leases = new Leases(tasks(1, 2), 2);
  const lease = await leases.take();
  const waiting = leases.take();
  leases.giveBack(lease!, () => false);
  expect((await waiting)!.tasks).toHaveLength(2);
});
