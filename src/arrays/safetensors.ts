import { writeFile } from "node:fs/promises";
import { type ArrayDtype, bytesOf, type NdArray } from "./nd_array";

const names: Record<ArrayDtype, string> = {
  uint8: "U8",
  int32: "I32",
  int64: "I64",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
};

/** Writes arrays under their names as one safetensors file; axis names go into its metadata. */
export async function saveSafetensors(path: string, arrays: readonly NdArray[]): Promise<void> {
  const metadata: Record<string, string> = {};
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const array of arrays) {
    if (array.name in header)
      throw new Error(`Two arrays are named "${array.name}"; names must differ in one file.`);
    const end = offset + array.data.byteLength;
    header[array.name] = { dtype: names[array.dtype], shape: array.shape, data_offsets: [offset, end] };
    metadata[`${array.name}.axes`] = array.axes.join(",");
    offset = end;
  }
  const json = JSON.stringify(header);
  const padded = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFile(path, Buffer.concat([length, padded, ...arrays.map(bytesOf)]));
}
