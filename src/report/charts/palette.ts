/** Colours that colour-blind readers tell apart. */

/** Okabe and Ito (2008), without yellow, which white swallows. */
const categorical = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555"];

export function seriesColour(index: number): string {
  return categorical[index % categorical.length]!;
}

/** Anchors of cividis (Nuñez et al. 2018): dark blue to yellow, the same to all eyes. */
const cividis = [
  [0, 34, 78],
  [33, 61, 108],
  [78, 88, 109],
  [114, 115, 119],
  [152, 145, 119],
  [194, 178, 103],
  [254, 232, 56],
] as const;

/** @param value 0 to 1 */
export function sequential(value: number): string {
  return `rgb(${mixed(value).join(",")})`;
}

/** Black or white, whichever is read better on `sequential(value)`. */
export function inkOn(value: number): string {
  const [red, green, blue] = mixed(value);
  return 0.299 * red! + 0.587 * green! + 0.114 * blue! > 140 ? "#111" : "#fff";
}

function mixed(value: number): number[] {
  const position = Math.min(Math.max(value, 0), 1) * (cividis.length - 1);
  const index = Math.min(Math.floor(position), cividis.length - 2);
  const [low, high] = [cividis[index]!, cividis[index + 1]!];
  return low.map((channel, i) => Math.round(channel + (high[i]! - channel) * (position - index)));
}
