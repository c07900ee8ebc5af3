import { DataError } from "../data/data_error";
import type { ChairResult } from "./chair/score";
import { chairTally } from "./chair/tally";
import type { PopeResult } from "./pope/score";
import { popeTally } from "./pope/tally";
import { type BootstrapOptions, differences, type Intervals, pairedBootstrap } from "./statistics/bootstrap";
import { mcnemar, wilcoxon } from "./statistics/significance";
import { type MetricValues, type Tally, totals } from "./statistics/tally";

export interface Comparison {
  images: number;
  a: MetricValues;
  b: MetricValues;
  differences: MetricValues; // b − a
  intervals: Intervals; // of the differences, 95 %, paired bootstrap over images
  pValues: {
    mcnemar: number; // exact, on captions with a hallucination (CHAIR) or on right answers (POPE)
    wilcoxon: number | null; // signed-rank, on CHAIRi (CHAIR) or accuracy (POPE) of every image; null: all equal
  };
  fixed: string[]; // wrong in a and right in b: image ids (CHAIR), "split question_id image" (POPE)
  broken: string[]; // right in a and wrong in b
}

/** Compares two scored runs on the same images (CHAIR) or the same questions (POPE), image by image. */
export function compare<R extends ChairResult | PopeResult>(
  a: R,
  b: R,
  options: BootstrapOptions = {},
): Comparison {
  const before = view(a);
  const after = view(b);
  requireSame(before.right, after.right, before.unit);
  const secondTally = inOrderOf(before.tally.ids, after.tally);
  const fixed = [...before.right]
    .filter(([item, right]) => !right && after.right.get(item))
    .map(([item]) => item);
  const broken = [...before.right]
    .filter(([item, right]) => right && !after.right.get(item))
    .map(([item]) => item);
  const valuesA = totals(before.tally);
  const valuesB = totals(secondTally);
  return {
    images: before.tally.ids.length,
    a: valuesA,
    b: valuesB,
    differences: differences(valuesA, valuesB),
    intervals: pairedBootstrap(before.tally, secondTally, options),
    pValues: {
      mcnemar: mcnemar(fixed.length, broken.length),
      wilcoxon: wilcoxon(before.tally.ids.map((id) => after.perImage.get(id)! - before.perImage.get(id)!)),
    },
    fixed,
    broken,
  };
}

/** One sentence: "AAI changed CHAIRi by −1.2 [−3.0, 0.7]: not distinguishable on 120 images". */
export function verdict(
  { differences, intervals, images }: Comparison,
  metric: string,
  name: string,
): string {
  const difference = differences[metric];
  const interval = intervals[metric];
  if (difference === undefined) {
    throw new DataError(
      `There is no metric "${metric}"; expected one of ${Object.keys(differences).join(", ")}.`,
    );
  }
  if (difference === null || !interval) return `${name}: ${metric} is not defined on ${images} images`;
  const scale = metric === "Mentions" ? 1 : 100;
  const show = (value: number) => (scale * value).toFixed(1).replace("-0.0", "0.0").replace("-", "−");
  const clear = interval[0] > 0 || interval[1] < 0;
  const judgement = clear ? "distinguishable" : "not distinguishable";
  const range = `[${show(interval[0])}, ${show(interval[1])}]`;
  return `${name} changed ${metric} by ${show(difference)} ${range}: ${judgement} on ${images} images`;
}

interface View {
  unit: string;
  tally: Tally;
  right: Map<string, boolean>; // per item
  perImage: Map<string, number>;
}

function view(result: ChairResult | PopeResult): View {
  return "sentences" in result ? chairView(result) : popeView(result);
}

function chairView({ sentences }: ChairResult): View {
  return {
    unit: "images",
    tally: chairTally(sentences),
    right: new Map(sentences.map(({ image_id, metrics }) => [String(image_id), metrics.CHAIRs === 0])),
    perImage: new Map(sentences.map(({ image_id, metrics }) => [String(image_id), metrics.CHAIRi])),
  };
}

function popeView({ answers, rule }: PopeResult): View {
  const tally = popeTally(answers, rule);
  const verdicts = new Map<string, number[]>();
  for (const { image, correct } of answers)
    verdicts.set(image, [...(verdicts.get(image) ?? []), correct ? 1 : 0]);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    unit: "questions",
    tally,
    right: new Map(
      answers.map(({ split, question_id, image, correct }) => [`${split} ${question_id} ${image}`, correct]),
    ),
    perImage: new Map([...verdicts].map(([image, values]) => [image, mean(values)])),
  };
}

function requireSame(a: Map<string, boolean>, b: Map<string, boolean>, unit: string): void {
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
