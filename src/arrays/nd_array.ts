/** Arrays as the worker sends them: a typed array, its shape, and the names of its axes. */

const elementTypes = {
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  /** IEEE half precision as raw bits: read it with `toFloat32`. */
  float16: Uint16Array,
  /** The upper half of a float32 as raw bits: read it with `toFloat32`. */
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type ArrayDtype = keyof typeof elementTypes;
export type ArrayData = Uint8Array | Uint16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

export interface NdArray {
  readonly name: string;
  readonly dtype: ArrayDtype;
  /** Length of every axis, outermost first (row-major). */
  readonly shape: readonly number[];
  /** One name per axis, such as "layer", "head", "key". */
  readonly axes: readonly string[];
  readonly data: ArrayData;
}

/** A view of `bytes` as the array described; copies only where the bytes are misaligned. @throws RangeError on a wrong length. */
export function viewArray(spec: Omit<NdArray, "data">, bytes: Uint8Array): NdArray {
  const Type = elementTypes[spec.dtype];
  const expected = spec.shape.reduce((product, length) => product * length, 1) * Type.BYTES_PER_ELEMENT;
  if (bytes.byteLength !== expected) {
    throw new RangeError(
      `Array "${spec.name}" of ${spec.dtype} [${spec.shape.join(", ")}] needs ${expected} bytes; ${bytes.byteLength} came.`,
    );
  }
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const data = new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, expected / Type.BYTES_PER_ELEMENT);
  return { ...spec, data };
}

/** A float32 array named `name`. `axes` defaults to none named. */
export function float32Array(
  name: string,
  shape: number[],
  data: Float32Array,
  axes: string[] = [],
): NdArray {
  return { name, dtype: "float32", shape, axes, data };
}

export function bytesOf({ data }: NdArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
