import type { NdArray } from "./nd_array";

/** The values of any floating or integer array as float32. Half-precision bits are decoded through a table. */
export function toFloat32({ data, dtype }: NdArray): Float32Array {
  if (dtype === "float16") return decode(data as Uint16Array, halfTable());
  if (dtype === "bfloat16") return fromBfloat16(data as Uint16Array);
  if (data instanceof Float32Array) return data;
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

let table: Float32Array | undefined;

/** All 65,536 half-precision numbers. */
function halfTable(): Float32Array {
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits));
  return table;
}

function halfToNumber(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decode(bits: Uint16Array, values: Float32Array): Float32Array {
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = values[bits[i]!]!;
  return result;
}

function fromBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}
