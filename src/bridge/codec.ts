/**
 * Message bodies as msgpack that Python reads back unchanged.
 *
 * Three habits of msgpackr would corrupt them: its record extension (off here), whole numbers beyond 32 bits
 * written as float64 (sent as BigInt, hence int64), and typed arrays truncated to bytes (refused: arrays travel in
 * frames of their own).
 */
import { Packr } from "msgpackr";

const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  int64AsType: "number",
  mapsAsObjects: true,
});

/** Drops `undefined` fields. @throws TypeError on values that msgpack or Python would misread. */
export function encodeBody(value: unknown): Buffer {
  // A copy, because msgpackr hands out slices of a pool it goes on writing to.
  return Buffer.from(packr.pack(plain(value, "$")));
}

/** @throws Error on bytes that are not exactly one msgpack value. */
export function decodeBody(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

function plain(value: unknown, path: string): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return value;
    case "number":
      if (Number.isSafeInteger(value) && Math.abs(value) >= 2 ** 31) return BigInt(value);
      return value;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}[${index}]`));
      if (Object.getPrototypeOf(value) === Object.prototype) return plainObject(value, path);
  }
  const name = value?.constructor?.name ?? typeof value;
  throw new TypeError(`${path} is a ${name}, which cannot travel in a message body; send arrays as frames.`);
}

function plainObject(value: object, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) result[key] = plain(item, `${path}.${key}`);
  }
  return result;
}
