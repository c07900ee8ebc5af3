import type { NdArray } from "../arrays/nd_array";
import { pngDataUrl } from "./svg";

/** Anchors of matplotlib's "inferno": dark to bright with even steps of lightness. */
const inferno = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const;

export function infernoColour(value: number): [number, number, number] {
  const position = Math.min(Math.max(value, 0), 1) * (inferno.length - 1);
  const index = Math.min(Math.floor(position), inferno.length - 2);
  const [low, high] = [inferno[index]!, inferno[index + 1]!];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (position - index));
  return [mix(0), mix(1), mix(2)];
}

/** A grid of values as a picture, one pixel a cell; `maximum` is the value drawn brightest. Opaque where it is bright. */
export function heatImage(values: ArrayLike<number>, rows: number, columns: number, maximum: number): string {
  const rgba = new Uint8Array(4 * rows * columns);
  for (let i = 0; i < rows * columns; i++) {
    const value = maximum > 0 ? Math.min(values[i]! / maximum, 1) : 0;
    rgba.set([...infernoColour(value), Math.round(255 * (0.35 + 0.5 * value))], 4 * i);
  }
  return pngDataUrl(columns, rows, rgba);
}

/** A uint8 array [row, column, 3] as a picture. */
export function rgbImage({ shape, data }: NdArray): string {
  const [rows = 0, columns = 0] = shape;
  const rgba = new Uint8Array(4 * rows * columns).fill(255);
  for (let i = 0; i < rows * columns; i++)
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = Number(data[3 * i + c]);
  return pngDataUrl(columns, rows, rgba);
}
