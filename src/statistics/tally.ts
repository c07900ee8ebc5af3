/**
 * What a metric needs of every image, ready to be added up: metrics are functions of sums over images, so a resample of
 * images costs one addition per image and column.
 */
export interface Tally {
  ids: string[]; // one per image
  columns: number;
  rows: Float64Array; // [images, columns]
  metrics(sums: Float64Array): MetricValues; // of sums [columns]
}

/** null where a metric is not defined (a division by zero). */
export type MetricValues = Record<string, number | null>;

/** The metrics of all images together. */
export function totals(tally: Tally): MetricValues {
  return tally.metrics(weightedSums(tally, new Uint32Array(tally.ids.length).fill(1)));
}

/** Tallies of the same images as one, each metric under the name of its own; an image that one of them lacks adds nothing there. */
export function sideBySide(tallies: Readonly<Record<string, Tally>>): Tally {
  const parts = Object.entries(tallies);
  const ids = [...new Set(parts.flatMap(([, tally]) => tally.ids))];
  const columns = parts.reduce((sum, [, tally]) => sum + tally.columns, 0);
  const place = new Map(ids.map((id, i) => [id, i]));
  const rows = new Float64Array(ids.length * columns);
  const starts = parts.map((_, i) => parts.slice(0, i).reduce((sum, [, tally]) => sum + tally.columns, 0));
  parts.forEach(([, tally], part) => {
    tally.ids.forEach((id, image) => {
      const row = tally.rows.subarray(image * tally.columns, (image + 1) * tally.columns);
      rows.set(row, place.get(id)! * columns + starts[part]!);
    });
  });
  const metrics = (sums: Float64Array) =>
    Object.fromEntries(
      parts.flatMap(([name, tally], part) => {
        const own = sums.subarray(starts[part]!, starts[part]! + tally.columns);
        return Object.entries(tally.metrics(own)).map(([metric, value]) => [`${name} ${metric}`, value]);
      }),
    );
  return { ids, columns, rows, metrics };
}

/** The sums [columns] over images, each taken as often as its weight [images] says. */
export function weightedSums({ rows, columns }: Tally, weights: Uint32Array): Float64Array {
  const sums = new Float64Array(columns);
  for (let image = 0, start = 0; image < weights.length; image++, start += columns) {
    const weight = weights[image]!;
    if (weight === 0) continue;
    for (let c = 0; c < columns; c++) sums[c]! += weight * rows[start + c]!;
  }
  return sums;
}

export function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

/** F1 of precision and recall. */
export function harmonicMean(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : ratio(2 * a * b, a + b);
}
