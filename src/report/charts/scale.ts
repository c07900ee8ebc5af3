/** Values to pixels, and the round values to write beside an axis. */
export interface Scale {
  (value: number): number;
  ticks: readonly number[];
}

/** Covers the values with a little room, about `count` ticks at 1, 2 or 5 times a power of ten. */
export function linearScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  count = 5,
): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  const [start, end] = [low - room, high + room];
  const step = roundStep((end - start) / count);
  const first = Math.ceil(start / step);
  const last = Math.floor(end / step);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
  const place = (value: number) => from + ((value - start) / (end - start)) * (to - from);
  return Object.assign(place, { ticks });
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((one) => one * power >= step * 0.999)!;
  return factor * power;
}
