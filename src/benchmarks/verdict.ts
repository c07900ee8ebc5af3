import { DataError } from "../base/data_error";
import type { Comparison } from "./compare";
import { figureInfo } from "./figure";
import { questionsInWords } from "./question_count";
import { figureCell } from "./tables";

/** One sentence: "AAI changed CHAIRi by −1.2 [−3.0, 0.7]: not distinguishable on 120 images". */
export function verdict(comparison: Comparison, figure: string, name: string): string {
  const { differences, intervals, images, questions, figures } = comparison;
  const difference = differences[figure];
  const interval = intervals[figure];
  if (difference === undefined) {
    throw new DataError(
      `There is no metric "${figure}"; expected one of ${Object.keys(differences).join(", ")}.`,
    );
  }
  const counted = `${images} ${images === 1 ? "image" : "images"}${questions ? ` (${questionsInWords(questions)})` : ""}`;
  if (difference === null || !interval) return `${name}: ${figure} is not defined on ${counted}`;
  const show = (value: number) => figureCell(figureInfo(figures, figure), value);
  const clear = interval[0] > 0 || interval[1] < 0;
  const judgement = clear ? "distinguishable" : "not distinguishable";
  const range = `[${show(interval[0])}, ${show(interval[1])}]`;
  return `${name} changed ${figure} by ${show(difference)} ${range}: ${judgement} on ${counted}`;
}
