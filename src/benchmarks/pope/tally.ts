import { harmonicMean, type MetricValues, ratio, type Tally } from "../../statistics/tally";
import { POPE_SPLITS } from "./question_files";
import { POPE_RULES, type PopeRule, type Rule } from "./rules";
import type { ScoredAnswer } from "./scored_answer";

/** The mean over the splits stands beside them under this name. */
export const MEAN = "mean";

/**
 * Counts per image and split. The questions of an image stand and fall together, so images are the unit of resampling.
 * Metrics are named "<split> <metric>", and "mean <metric>" over the splits.
 */
export function popeTally(answers: readonly ScoredAnswer[], rule: PopeRule): Tally {
  const splits = [...new Set(answers.map(({ split }) => split))].sort((a, b) => rank(a) - rank(b));
  const ids = [...new Set(answers.map(({ image }) => image))];
  const columns = splits.length * COUNTS;
  const place = new Map(ids.map((id, i) => [id, i * columns]));
  const rows = new Float64Array(ids.length * columns);
  for (const answer of answers) {
    const start = place.get(answer.image)! + splits.indexOf(answer.split) * COUNTS;
    rows[start + outcome(answer)]! += 1;
    rows[start + INVALID]! += answer.invalid ? 1 : 0;
  }
  return { ids, columns, rows, metrics: (sums) => metrics(sums, splits, POPE_RULES[rule]) };
}

/** POPE's own splits stand first. */
function rank(split: string): number {
  const place = (POPE_SPLITS as readonly string[]).indexOf(split);
  return place < 0 ? POPE_SPLITS.length : place;
}

const COUNTS = 7;
const [TRUE_YES, FALSE_YES, TRUE_NO, FALSE_NO, OTHER_TO_YES, OTHER_TO_NO, INVALID] = [
  0, 1, 2, 3, 4, 5, 6,
] as const;

function outcome({ label, prediction }: ScoredAnswer): number {
  if (prediction === "other") return label === "yes" ? OTHER_TO_YES : OTHER_TO_NO;
  if (prediction === "yes") return label === "yes" ? TRUE_YES : FALSE_YES;
  return label === "no" ? TRUE_NO : FALSE_NO;
}

function metrics(sums: Float64Array, splits: string[], rule: Rule): MetricValues {
  const values: MetricValues = {};
  const perSplit = splits.map((_, i) => splitMetrics(sums.subarray(i * COUNTS, (i + 1) * COUNTS), rule));
  splits.forEach((split, i) => {
    for (const [name, value] of Object.entries(perSplit[i]!)) values[`${split} ${name}`] = value;
  });
  if (splits.length < 2) return values;
  for (const name of Object.keys(perSplit[0]!))
    values[`${MEAN} ${name}`] = mean(perSplit.map((one) => one[name]!));
  return values;
}

function splitMetrics(counts: Float64Array, { otherIsCounted, otherIsMissed }: Rule): MetricValues {
  const [trueYes, falseYes, trueNo, falseNo] = [0, 1, 2, 3].map((i) => counts[i]!) as [
    number,
    number,
    number,
    number,
  ];
  const asked = counts
    .subarray(0, otherIsCounted ? INVALID : OTHER_TO_YES)
    .reduce((sum, count) => sum + count, 0);
  const missed = falseNo + (otherIsMissed ? counts[OTHER_TO_YES]! : 0);
  const precision = ratio(trueYes, trueYes + falseYes);
  const recall = ratio(trueYes, trueYes + missed);
  return {
    accuracy: ratio(trueYes + trueNo, asked),
    precision,
    recall,
    F1: harmonicMean(precision, recall),
    yesRatio: ratio(trueYes + falseYes, asked),
    invalidRate: ratio(counts[INVALID]!, asked),
  };
}

function mean(values: (number | null)[]): number | null {
  return values.includes(null)
    ? null
    : values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
}
