import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { readRecords, Samples } from "../../../src/experiments/store/samples";

const disk = vi.hoisted(() => ({ atOnce: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof fs>();
  const writeSync = (file: number, bytes: Uint8Array, offset = 0) => {
    const length = Math.min(bytes.length - offset, disk.atOnce, disk.left);
    if (length === 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    disk.left -= length;
    return real.writeSync(file, bytes, offset, length);
  };
  return { ...real, writeSync };
});

const folder = fs.mkdtempSync(join(tmpdir(), "samples-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));
afterEach(() => Object.assign(disk, { atOnce: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY }));

const record = (key: string) => ({
  key,
  status: "done" as const,
  answer: `A caption of ${key}, long enough.`,
});

test("a record that the disk takes in pieces is whole", () => {
  disk.atOnce = 5;
  const samples = Samples.open(folder);
  for (const key of ["a", "b"]) samples.append(record(key));
  samples.close();
  expect([...readRecords(folder).values()]).toEqual([record("a"), record("b")]);
});

test("a record that the full disk takes in part is none, and the next stands on a line of its own", () => {
  const samples = Samples.open(folder);
  disk.left = 20;
  expect(() => samples.append(record("c"))).toThrow("no space left on device");
  expect(samples.records.has("c")).toBe(false);
  disk.left = Number.POSITIVE_INFINITY;
  samples.append(record("d"));
  samples.close();
  expect([...readRecords(folder).keys()]).toEqual(["a", "b", "d"]);
});
