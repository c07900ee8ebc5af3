import type { MetricValues, Tally } from "../../statistics/tally";
import type { AmberDescription } from "./description";

/** Per image the sums that AMBER's figures are made of, each over all images as in its inference.py. */
export function amberTally(descriptions: readonly AmberDescription[]): Tally {
  const rows = new Float64Array(descriptions.length * COLUMNS);
  descriptions.forEach((description, i) => {
    rows.set(row(description), i * COLUMNS);
  });
  return { ids: descriptions.map(({ image }) => image), columns: COLUMNS, rows, metrics };
}

/** How many of the flags are set. */
export function count(flags: readonly boolean[]): number {
  return flags.filter(Boolean).length;
}

const COLUMNS = 8;

/** What the counters of inference.py begin with in place of 0. */
const EPSILON = 0.001;

function row({ flagged, covered, imagined }: AmberDescription): number[] {
  const hallucinations = count(flagged);
  return [
    ...[hallucinations, flagged.length, count(covered), covered.length, count(imagined), imagined.length],
    ...[hallucinations === 0 ? 1 : 0, 1],
  ];
}

function metrics(sums: Float64Array): MetricValues {
  const share = (column: number) => sums[column]! / (sums[column + 1]! + EPSILON);
  return { CHAIR: share(0), Cover: share(2), Hal: 1 - share(6), Cog: share(4) };
}
