import type { Metric } from "../benchmark";
import { splitsTable } from "../tables";
import { mmeFigures } from "./figures";
import { keyOf, type MmeQuestion, pictureOf } from "./questions";
import { MME_RULES, type MmeRule } from "./rules";
import { type MmeAnswer, mmeTally, TOTAL } from "./tally";

/** MME of the answers of an experiment. @param rule how a reply becomes yes or no */
export function mmeMetric({ rule = "official" }: { rule?: MmeRule | undefined } = {}): Metric<MmeAnswer> {
  return {
    benchmark: "mme",
    description: { metric: "mme", rule },
    figures: mmeFigures,
    columns: ["accuracy", "accuracy+", "score"],
    telling: ["accuracy", "score"],
    primary: "accuracy",
    counted: "questions",
    tested: { right: "right answers", score: "accuracy" },
    needsReference: false,
    read({ answer }, { fields }) {
      const question = fields.question as MmeQuestion;
      const prediction = MME_RULES[rule].read(answer, question.label);
      return { ...question, answer, prediction, correct: prediction === question.label };
    },
    judge(part) {
      return {
        key: keyOf(part),
        unit: `${pictureOf(part)} ${part.text}`,
        image: pictureOf(part),
        right: part.correct,
        figures: { accuracy: part.correct ? 1 : 0 },
      };
    },
    tally: mmeTally,
    table: (parts, summary) =>
      splitsTable(mmeFigures, summary, {
        answers: (task) =>
          String(task === TOTAL ? parts.length : parts.filter(({ setting }) => setting === task).length),
      }),
  };
}
