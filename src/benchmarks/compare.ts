import { DataError } from "../base/data_error";
import { someOf } from "../base/some_of";
import {
  type BootstrapOptions,
  differences,
  type Intervals,
  type MetricValues,
  mcnemar,
  pairedBootstrap,
  type Tally,
  totals,
  wilcoxon,
} from "../statistics";
import type { Judgement, Metric } from "./benchmark";
import type { Figures } from "./figure";
import { type QuestionCount, questionsInWords } from "./question_count";

export interface Comparison {
  images: number;
  /** Present for benchmarks that ask questions: the tests count each distinct question once, in however many splits it stands. */
  questions?: QuestionCount;
  a: MetricValues;
  b: MetricValues;
  differences: MetricValues; // b − a
  intervals: Intervals; // of the differences, 95 %, paired bootstrap over images
  pValues: {
    mcnemar: number; // exact, on captions with a hallucination (CHAIR), on right answers to questions
    wilcoxon: number | null; // signed-rank, on CHAIRi (CHAIR) or accuracy of every image; null: all equal
  };
  /** What the p-values are of, in words. */
  tested: { mcnemar: string; wilcoxon: string };
  fixed: string[]; // wrong in a and right in b: image ids (CHAIR), "image question"
  broken: string[]; // right in a and wrong in b
  /** How each figure is printed, and in which direction it is better. */
  figures: Figures;
}

/**
 * Compares two sets of answers to the same items, image by image. Figures and intervals are split by split. In the tests
 * and lists a question that several splits ask counts once, by its first answer in the order of `a`: all its answers are
 * one, as long as the model is asked it in the same words.
 * @throws DataError where they answer different items
 */
export function compareAnswers<Part>(
  metric: Metric<Part>,
  a: readonly Part[],
  b: readonly Part[],
  options: BootstrapOptions = {},
): Comparison {
  const [before, after] = [judged(metric, a), judged(metric, b)];
  requireSame(before, after, metric.counted);
  const first = metric.tally(a);
  const second = inOrderOf(first.ids, metric.tally(b));
  const pairs = distinctPairs(before, after);
  const changed = (from: boolean) =>
    pairs.filter(([one, other]) => one.right === from && other.right !== from).map(([{ unit }]) => unit);
  const [fixed, broken] = [changed(false), changed(true)];
  const [valuesA, valuesB] = [totals(first), totals(second)];
  const questions = metric.counted === "questions" ? { asked: a.length, distinct: pairs.length } : undefined;
  return {
    images: first.ids.length,
    ...(questions && { questions }),
    a: valuesA,
    b: valuesB,
    differences: differences(valuesA, valuesB),
    intervals: pairedBootstrap(first, second, options),
    pValues: {
      mcnemar: mcnemar(fixed.length, broken.length),
      wilcoxon: wilcoxon(imageDifferences(pairs, metric.tested.score)),
    },
    tested: testedInWords(metric, questions),
    fixed,
    broken,
    figures: metric.figures,
  };
}

type Judgements = ReadonlyMap<string, Judgement>;

function judged<Part>(metric: Metric<Part>, parts: readonly Part[]): Judgements {
  return new Map(parts.map((part) => metric.judge(part)).map((one) => [one.key, one]));
}

/** Both runs' answers to each distinct question: to the same copy of it, where there are several. */
function distinctPairs(before: Judgements, after: Judgements): [Judgement, Judgement][] {
  const pairs = new Map<string, [Judgement, Judgement]>();
  for (const [key, one] of before) if (!pairs.has(one.unit)) pairs.set(one.unit, [one, after.get(key)!]);
  return [...pairs.values()];
}

/** Image by image the mean difference, summed before it is divided: equal differences stay equal, and tie. */
function imageDifferences(pairs: readonly [Judgement, Judgement][], figure: string): number[] {
  const perImage = new Map<string, number[]>();
  for (const [{ image, figures }, other] of pairs)
    perImage.set(image, [...(perImage.get(image) ?? []), other.figures[figure]! - figures[figure]!]);
  return [...perImage.values()].map((all) => all.reduce((sum, one) => sum + one, 0) / all.length);
}

function testedInWords(
  { tested }: Pick<Metric, "tested">,
  questions: QuestionCount | undefined,
): Comparison["tested"] {
  if (questions === undefined) return { mcnemar: tested.right, wilcoxon: `${tested.score} of every image` };
  const over = questions.distinct < questions.asked ? ", each of its distinct questions once" : "";
  return {
    mcnemar: `${tested.right}, ${questionsInWords(questions)}`,
    wilcoxon: `${tested.score} of every image${over}`,
  };
}

function requireSame(a: Judgements, b: Judgements, counted: string): void {
  const missing = [...a.keys()].filter((item) => !b.has(item));
  const extra = [...b.keys()].filter((item) => !a.has(item));
  if (missing.length + extra.length === 0) return;
  throw new DataError(
    `The two runs are not about the same ${counted}: ${missing.length} are only in the first, ${extra.length} only in ` +
      `the second (${someOf([...missing, ...extra])}). Compare runs on the same ${counted}.`,
  );
}

function inOrderOf(ids: string[], tally: Tally): Tally {
  const place = new Map(tally.ids.map((id, i) => [id, i]));
  const rows = new Float64Array(tally.rows.length);
  ids.forEach((id, i) => {
    const from = place.get(id)! * tally.columns;
    rows.set(tally.rows.subarray(from, from + tally.columns), i * tally.columns);
  });
  return { ...tally, ids, rows };
}
