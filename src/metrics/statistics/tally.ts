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
  const sums = new Float64Array(tally.columns);
  for (let i = 0; i < tally.ids.length; i++) addRow(sums, tally, i);
  return tally.metrics(sums);
}

export function addRow(sums: Float64Array, { rows, columns }: Tally, image: number): void {
  const start = image * columns;
  for (let c = 0; c < columns; c++) sums[c]! += rows[start + c]!;
}

export function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

/** F1 of precision and recall. */
export function harmonicMean(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : ratio(2 * a * b, a + b);
}
