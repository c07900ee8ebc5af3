import { DataError } from "../base/data_error";
import { type BootstrapOptions, differences, type Intervals, pairedBootstrap } from "../statistics/bootstrap";
import { mcnemar, wilcoxon } from "../statistics/significance";
import { type MetricValues, type Tally, totals } from "../statistics/tally";
import type { ChairResult } from "./chair/score";
import { chairTally } from "./chair/tally";
import { countQuestions, type QuestionCount, questionOf } from "./pope/questions";
import type { PopeResult } from "./pope/score";
import { popeTally } from "./pope/tally";

export interface Comparison {
  images: number;
  /** POPE: the tests count each distinct question once, in however many splits it stands. */
  questions?: QuestionCount;
  a: MetricValues;
  b: MetricValues;
  differences: MetricValues; // b − a
  intervals: Intervals; // of the differences, 95 %, paired bootstrap over images
  pValues: {
    mcnemar: number; // exact, on captions with a hallucination (CHAIR) or on right answers (POPE)
    wilcoxon: number | null; // signed-rank, on CHAIRi (CHAIR) or accuracy (POPE) of every image; null: all equal
  };
  fixed: string[]; // wrong in a and right in b: image ids (CHAIR), "image question" (POPE)
  broken: string[]; // right in a and wrong in b
}

/**
 * Compares two scored runs on the same images (CHAIR) or the same questions (POPE), image by image. Figures and intervals
 * are split by split. In the tests and lists a question that several splits ask counts once, by its first answer in the
 * order of `a`: all its answers are one, as long as the model is asked it in the same words.
 * @throws DataError where the runs are about different images or questions
 */
export function compare<R extends ChairResult | PopeResult>(
  a: R,
  b: R,
  options: BootstrapOptions = {},
): Comparison {
  const before = view(a);
  const after = view(b);
  requireSame(before, after);
  const secondTally = inOrderOf(before.tally.ids, after.tally);
  const pairs = distinctPairs(before, after);
  const changed = (from: boolean) =>
    pairs.filter(([one, other]) => one.right === from && other.right !== from).map(([{ name }]) => name);
  const [fixed, broken] = [changed(false), changed(true)];
  const valuesA = totals(before.tally);
  const valuesB = totals(secondTally);
  return {
    images: before.tally.ids.length,
    ...("answers" in a && { questions: countQuestions(a.answers) }),
    a: valuesA,
    b: valuesB,
    differences: differences(valuesA, valuesB),
    intervals: pairedBootstrap(before.tally, secondTally, options),
    pValues: { mcnemar: mcnemar(fixed.length, broken.length), wilcoxon: wilcoxon(imageDifferences(pairs)) },
    fixed,
    broken,
  };
}

/** One answer as the tests see it. */
interface Judged {
  /** What counts once: the image of a caption, a question about an image. */
  name: string;
  image: string;
  right: boolean;
  /** What is averaged over an image. */
  score: number;
}

interface View {
  unit: string;
  tally: Tally;
  /** By what both runs must have alike. */
  answers: Map<string, Judged>;
}

function view(result: ChairResult | PopeResult): View {
  return "sentences" in result ? chairView(result) : popeView(result);
}

function chairView({ sentences }: ChairResult): View {
  const judged = sentences.map(({ image_id, metrics }): [string, Judged] => {
    const name = String(image_id);
    return [name, { name, image: name, right: metrics.CHAIRs === 0, score: metrics.CHAIRi }];
  });
  return { unit: "images", tally: chairTally(sentences), answers: new Map(judged) };
}

function popeView({ answers, rule }: PopeResult): View {
  const judged = answers.map((answer): [string, Judged] => {
    const name = questionOf(answer);
    const { split, image, correct } = answer;
    return [`${split} ${name}`, { name, image, right: correct, score: correct ? 1 : 0 }];
  });
  return { unit: "questions", tally: popeTally(answers, rule), answers: new Map(judged) };
}

/** Both runs' answers to each distinct question: to the same copy of it, where there are several. */
function distinctPairs(before: View, after: View): [Judged, Judged][] {
  const pairs = new Map<string, [Judged, Judged]>();
  for (const [key, one] of before.answers)
    if (!pairs.has(one.name)) pairs.set(one.name, [one, after.answers.get(key)!]);
  return [...pairs.values()];
}

/** Image by image the mean difference, summed before it is divided: equal differences stay equal, and tie. */
function imageDifferences(pairs: readonly [Judged, Judged][]): number[] {
  const perImage = new Map<string, number[]>();
  for (const [{ image, score }, other] of pairs)
    perImage.set(image, [...(perImage.get(image) ?? []), other.score - score]);
  return [...perImage.values()].map((all) => all.reduce((sum, one) => sum + one, 0) / all.length);
}

function requireSame({ answers: a, unit }: View, { answers: b }: View): void {
  const missing = [...a.keys()].filter((item) => !b.has(item));
  const extra = [...b.keys()].filter((item) => !a.has(item));
  if (missing.length + extra.length === 0) return;
  throw new DataError(
    `The two runs are not about the same ${unit}: ${missing.length} are only in the first, ${extra.length} only in ` +
      `the second (${[...missing, ...extra].slice(0, 10).join(", ")}). Compare runs on the same ${unit}.`,
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
