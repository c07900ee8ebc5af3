import type { MetricValues, Tally } from "../../statistics/tally";
import { amberTypes } from "./questions";
import type { ScoredReply } from "./scored_reply";

/** The figures of all questions stand beside those of the types under this name. */
export const ALL = "all";

/** What there are figures of: the types that were asked about, in the order of AMBER's tables, then all. */
export function groupsOf(replies: readonly ScoredReply[]): Group[] {
  const asked = new Set(replies.map(({ type }) => type));
  return GROUPS.filter(({ types }) => types.some((type) => asked.has(type)));
}

/**
 * Counts per image and type. The questions about an image stand and fall together, so images are what is resampled.
 * Figures are named "<type> <figure>", and "all <figure>" of all questions. No is the positive class.
 */
export function amberQuestionTally(replies: readonly ScoredReply[]): Tally {
  const groups = groupsOf(replies);
  const ids = [...new Set(replies.map(({ image }) => image))];
  const columns = amberTypes.length * COUNTS;
  const place = new Map(ids.map((id, i) => [id, i * columns]));
  const rows = new Float64Array(ids.length * columns);
  for (const { image, type, truth, said, correct } of replies) {
    const start = place.get(image)! + amberTypes.indexOf(type) * COUNTS;
    rows[start + ASKED]! += 1;
    rows[start + RIGHT]! += correct ? 1 : 0;
    rows[start + TRUE_NO]! += truth === "no" ? 1 : 0;
    rows[start + SAID_NO]! += said === "no" ? 1 : 0;
    rows[start + RIGHT_NO]! += said === "no" && correct ? 1 : 0;
    rows[start + INVALID]! += said === "other" ? 1 : 0;
  }
  return { ids, columns, rows, metrics: (sums) => metrics(sums, groups) };
}

/** Types whose questions are counted together. */
export interface Group {
  name: string;
  types: readonly ScoredReply["type"][];
  /** What the counters of inference.py begin with in place of 0, added up. */
  epsilon: number;
  /** What it adds to precision and recall under F1. */
  f1Epsilon: number;
}

const GROUPS: readonly Group[] = [
  { name: "existence", types: ["existence"], epsilon: 0.001, f1Epsilon: 0.001 },
  { name: "attribute", types: ["state", "number", "action"], epsilon: 0.003, f1Epsilon: 0.0001 },
  ...(["state", "number", "action", "relation"] as const).map((type) => ({
    ...{ name: type, types: [type], epsilon: 0.001, f1Epsilon: 0.0001 },
  })),
  { name: ALL, types: amberTypes, epsilon: 0.001, f1Epsilon: 0.0001 },
];

const COUNTS = 6;
const [ASKED, RIGHT, TRUE_NO, SAID_NO, RIGHT_NO, INVALID] = [0, 1, 2, 3, 4, 5] as const;

function metrics(sums: Float64Array, groups: readonly Group[]): MetricValues {
  const values: MetricValues = {};
  for (const group of groups)
    for (const [name, value] of Object.entries(groupMetrics(sums, group)))
      values[`${group.name} ${name}`] = value;
  return values;
}

/** null where none of the questions was drawn. */
function groupMetrics(sums: Float64Array, { types, epsilon, f1Epsilon }: Group): MetricValues {
  const sum = (count: number) =>
    types.reduce((total, type) => total + sums[amberTypes.indexOf(type) * COUNTS + count]!, 0);
  const asked = sum(ASKED);
  if (asked === 0) return { accuracy: null, precision: null, recall: null, F1: null, invalidRate: null };
  const precision = sum(RIGHT_NO) / (sum(SAID_NO) + epsilon);
  const recall = sum(RIGHT_NO) / (sum(TRUE_NO) + epsilon);
  return {
    accuracy: sum(RIGHT) / (asked + epsilon),
    ...{ precision, recall, F1: f1(asPrinted(precision), asPrinted(recall), f1Epsilon) },
    invalidRate: sum(INVALID) / asked,
  };
}

function f1(precision: number, recall: number, epsilon: number): number {
  return (2 * precision * recall) / (precision + recall + epsilon);
}

/** A share, rounded to a tenth of a per cent: inference.py makes F1 of these. */
function asPrinted(share: number): number {
  return Number((100 * share).toFixed(1)) / 100;
}
