import type { Metric } from "../benchmark";
import { popeFigures } from "./figures";
import { likelier } from "./likelihood";
import type { PopeQuestion } from "./question_files";
import { questionOf } from "./questions";
import type { PopeRule } from "./rules";
import { type ScoredAnswer, scoreAnswer } from "./scored_answer";
import { popeTable } from "./table";
import { popeTally } from "./tally";

/** POPE of the answers of an experiment. @param rule how a reply becomes yes or no */
export function popeMetric({ rule = "opera" }: { rule?: PopeRule | undefined } = {}): Metric<ScoredAnswer> {
  return {
    benchmark: "pope",
    description: { metric: "pope", rule },
    figures: popeFigures,
    columns: ["accuracy", "precision", "recall", "F1", "yesRatio"],
    telling: ["accuracy", "F1"],
    primary: "accuracy",
    counted: "questions",
    tested: { right: "right answers", score: "accuracy" },
    needsReference: false,
    read({ answer, probes }, { fields }) {
      const reply = probes === undefined ? answer : likelier(probes);
      return scoreAnswer({ ...(fields.question as PopeQuestion), answer: reply }, rule);
    },
    judge(part) {
      const { split, image, correct } = part;
      const unit = questionOf(part);
      return { key: `${split} ${unit}`, unit, image, right: correct, figures: { accuracy: correct ? 1 : 0 } };
    },
    tally: (parts) => popeTally(parts, rule),
    table: (parts, summary) =>
      popeTable({ metrics: summary.figures, intervals: summary.intervals, answers: [...parts] }),
  };
}
