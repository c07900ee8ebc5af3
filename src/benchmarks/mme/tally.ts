import { groups } from "../../base/groups";
import { type MetricValues, ratio, type Tally } from "../../statistics/tally";
import { type MmeQuestion, PER_IMAGE, pictureOf } from "./questions";

/** All tasks together stand beside them under this name. */
export const TOTAL = "total";

export interface MmeAnswer extends MmeQuestion {
  answer: string;
  prediction: MmeQuestion["label"] | "other";
  correct: boolean;
}

/**
 * Counts per picture and task. A picture that stands in two tasks is drawn with all its questions. An image of which
 * only one question is answered does not count in accuracy+.
 */
export function mmeTally(answers: readonly MmeAnswer[]): Tally {
  const tasks = [...new Set(answers.map(({ setting }) => setting))];
  const ids = [...new Set(answers.map(pictureOf))];
  const columns = tasks.length * COUNTS;
  const place = new Map(ids.map((id, i) => [id, i * columns]));
  const rows = new Float64Array(ids.length * columns);
  for (const pair of groups(answers, ({ setting, image }) => `${setting} ${image}`)) {
    const start = place.get(pictureOf(pair[0]!))! + tasks.indexOf(pair[0]!.setting) * COUNTS;
    const right = pair.filter(({ correct }) => correct).length;
    const isWhole = pair.length === PER_IMAGE;
    rows[start + ASKED]! += pair.length;
    rows[start + RIGHT]! += right;
    rows[start + PAIRS]! += isWhole ? 1 : 0;
    rows[start + RIGHT_PAIRS]! += isWhole && right === PER_IMAGE ? 1 : 0;
  }
  return { ids, columns, rows, metrics: (sums) => metrics(sums, tasks) };
}

const COUNTS = 4;
const [ASKED, RIGHT, PAIRS, RIGHT_PAIRS] = [0, 1, 2, 3] as const;

function metrics(sums: Float64Array, tasks: readonly string[]): MetricValues {
  const perTask = tasks.map((_, i) => sums.subarray(i * COUNTS, (i + 1) * COUNTS));
  const all = new Float64Array(COUNTS).map((_, c) => perTask.reduce((sum, counts) => sum + counts[c]!, 0));
  const scores = perTask.map(scoreOf);
  const total = scores.includes(null) ? null : scores.reduce<number>((sum, score) => sum + score!, 0);
  return Object.assign(
    {},
    ...tasks.map((task, i) => named(task, perTask[i]!, scores[i]!)),
    named(TOTAL, all, total),
  );
}

function named(name: string, counts: Float64Array, score: number | null): MetricValues {
  return {
    [`${name} accuracy`]: ratio(counts[RIGHT]!, counts[ASKED]!),
    [`${name} accuracy+`]: ratio(counts[RIGHT_PAIRS]!, counts[PAIRS]!),
    [`${name} score`]: score,
  };
}

/** At most 200 points. */
function scoreOf(counts: Float64Array): number | null {
  const accuracy = ratio(counts[RIGHT]!, counts[ASKED]!);
  const plus = ratio(counts[RIGHT_PAIRS]!, counts[PAIRS]!);
  return accuracy === null || plus === null ? null : 100 * accuracy + 100 * plus;
}
