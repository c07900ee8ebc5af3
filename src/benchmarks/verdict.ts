import { DataError } from "../base/data_error";
import type { Comparison } from "./compare";
import { questionsInWords } from "./pope/questions";

/** One sentence: "AAI changed CHAIRi by −1.2 [−3.0, 0.7]: not distinguishable on 120 images". */
export function verdict(comparison: Comparison, metric: string, name: string): string {
  const { differences, intervals, images, questions } = comparison;
  const difference = differences[metric];
  const interval = intervals[metric];
  if (difference === undefined) {
    throw new DataError(
      `There is no metric "${metric}"; expected one of ${Object.keys(differences).join(", ")}.`,
    );
  }
  const counted = `${images} ${images === 1 ? "image" : "images"}${questions ? ` (${questionsInWords(questions)})` : ""}`;
  if (difference === null || !interval) return `${name}: ${metric} is not defined on ${counted}`;
  const scale = metric === "Mentions" ? 1 : 100;
  const show = (value: number) => (scale * value).toFixed(1).replace("-0.0", "0.0").replace("-", "−");
  const clear = interval[0] > 0 || interval[1] < 0;
  const judgement = clear ? "distinguishable" : "not distinguishable";
  const range = `[${show(interval[0])}, ${show(interval[1])}]`;
  return `${name} changed ${metric} by ${show(difference)} ${range}: ${judgement} on ${counted}`;
}

/** What the p-values are of, in words. */
export function testedFigures({
  questions,
}: Pick<Comparison, "questions">): Record<"mcnemar" | "wilcoxon", string> {
  if (questions === undefined)
    return { mcnemar: "captions with a hallucination", wilcoxon: "CHAIRi of every image" };
  const over = questions.distinct < questions.asked ? ", each of its distinct questions once" : "";
  return {
    mcnemar: `right answers, ${questionsInWords(questions)}`,
    wilcoxon: `accuracy of every image${over}`,
  };
}
