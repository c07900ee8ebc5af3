import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type NdArray, saveNpy, saveSafetensors, toFloat32 } from "../../src/arrays";
import { viewArray } from "../../src/arrays/nd_array";
import { findPython } from "../../src/environment/python";

const folder = mkdtempSync(join(tmpdir(), "arrays-"));
afterAll(() => rmSync(folder, { recursive: true }));

function python(script: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(findPython().python, ["-c", script, ...args], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.trim();
}

const halves: NdArray = {
  name: "halves",
  dtype: "float16",
  shape: [2, 3],
  axes: ["layer", "key"],
  data: Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00, 0x8000),
};

test("all 65,536 half-precision numbers read as NumPy reads them", () => {
  const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const ours = toFloat32({ name: "x", dtype: "float16", shape: [2 ** 16], axes: [], data: bits });
  const script =
    "import numpy, sys; sys.stdout.write(numpy.arange(2**16, dtype='u2').view('f2').astype('f4').tobytes().hex())";
  const theirs = Buffer.from(python(script), "hex");
  const numpy = new Float32Array(theirs.buffer, theirs.byteOffset, 2 ** 16);
  for (let i = 0; i < bits.length; i++)
    expect(Object.is(ours[i], numpy[i]) || (Number.isNaN(ours[i]!) && Number.isNaN(numpy[i]!))).toBe(true);
});

test("bfloat16 is the upper half of a float32", () => {
  const array = {
    name: "x",
    dtype: "bfloat16",
    shape: [3],
    axes: [],
    data: Uint16Array.of(0x3f80, 0xc2f7, 0x7f80),
  } as const;
  expect([...toFloat32(array)]).toEqual([1, -123.5, Number.POSITIVE_INFINITY]);
});

test("NumPy reads what saveNpy writes", async () => {
  const path = join(folder, "x.npy");
  await saveNpy(path, halves);
  const script = "import numpy, sys; a = numpy.load(sys.argv[1]); print(a.dtype, a.shape, a.tolist())";
  expect(python(script, path)).toBe(
    "float16 (2, 3) [[1.0, -2.0, 0.333251953125], [5.960464477539063e-08, inf, -0.0]]",
  );
  const bf16 = { ...halves, dtype: "bfloat16" } as const;
  await expect(saveNpy(path, bf16)).rejects.toThrow("NumPy has no bfloat16");
});

test("safetensors reads what saveSafetensors writes, axes included", async () => {
  const path = join(folder, "x.safetensors");
  const ints: NdArray = {
    name: "größe",
    dtype: "int64",
    shape: [1],
    axes: ["row"],
    data: BigInt64Array.of(-(2n ** 40n)),
  };
  await saveSafetensors(path, [halves, ints]);
  const script = `
import sys
from safetensors import safe_open
with safe_open(sys.argv[1], "np") as f:
    print(f.get_tensor("halves").tolist()[0], f.get_tensor("größe").tolist(), f.metadata()["halves.axes"])`;
  expect(python(script, path)).toBe("[1.0, -2.0, 0.333251953125] [-1099511627776] layer,key");
  await expect(saveSafetensors(path, [halves, halves])).rejects.toThrow('Two arrays are named "halves"');
});

test("a frame of the wrong length is refused, a misaligned one is copied", () => {
  const spec = { name: "x", dtype: "float32", shape: [2], axes: [] } as const;
  expect(() => viewArray(spec, new Uint8Array(7))).toThrow("needs 8 bytes; 7 came");
  const misaligned = new Uint8Array(new Float32Array([0, 1, 2]).buffer, 0, 12).slice();
  const shifted = new Uint8Array(13);
  shifted.set(misaligned, 1);
  expect([...(viewArray(spec, shifted.subarray(5)).data as Float32Array)]).toEqual([1, 2]);
});
