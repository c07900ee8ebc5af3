/** A message on the wire: [header][body][array frames ...]. Arrays are never copied into the body. */
import { type NdArray, viewArray } from "../arrays/nd_array";
import { Header } from "../protocol/messages";
import { decodeBody, encodeBody } from "./codec";

export interface Message {
  /** The id of the command that it belongs to; 0 for none. */
  id: number;
  type: string;
  body: unknown;
  arrays: NdArray[];
}

export function encodeMessage({ id, type, body, arrays }: Message): Buffer[] {
  const specs = arrays.map(({ name, dtype, shape, axes }) => ({
    name,
    dtype,
    shape: [...shape],
    axes: [...axes],
  }));
  const frames = arrays.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return [encodeBody({ id, type, arrays: specs }), encodeBody(body), ...frames];
}

/** @throws Error when the frames are not such a message. */
export function decodeMessage(frames: Buffer[]): Message {
  const [first, second, ...rest] = frames;
  if (first === undefined || second === undefined)
    throw new Error(`A message has two frames or more; ${frames.length} came.`);
  const { id, type, arrays } = Header.parse(decodeBody(first));
  if (arrays.length !== rest.length) {
    throw new Error(`The header of "${type}" announces ${arrays.length} arrays; ${rest.length} frames came.`);
  }
  return {
    id,
    type,
    body: decodeBody(second),
    arrays: arrays.map((spec, index) => viewArray(spec, rest[index]!)),
  };
}

export function byteLength(frames: Buffer[]): number {
  return frames.reduce((sum, frame) => sum + frame.byteLength, 0);
}
