import { writeFile } from "node:fs/promises";
import { type ArrayDtype, bytesOf, type NdArray } from "./nd_array";

const descriptions: Record<ArrayDtype, string> = {
  uint8: "|u1",
  int32: "<i4",
  int64: "<i8",
  float16: "<f2",
  bfloat16: "", // NumPy has none
  float32: "<f4",
  float64: "<f8",
};

/** Writes one array in NumPy's format (version 1.0), little endian, C order. @throws TypeError for bfloat16. */
export async function saveNpy(path: string, array: NdArray): Promise<void> {
  await writeFile(path, Buffer.concat([header(array), bytesOf(array)]));
}

/** Magic, version, length, and a Python dict padded so that the data start at a multiple of 64 bytes. */
function header({ dtype, shape }: NdArray): Buffer {
  const descr = descriptions[dtype];
  if (descr === "")
    throw new TypeError(`NumPy has no ${dtype}; save it with saveSafetensors, or convert it with toFloat32.`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const prefix = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 0xff, padded.length >> 8]);
  return Buffer.concat([prefix, Buffer.from(padded, "latin1")]);
}
