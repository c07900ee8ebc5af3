import type { Metric } from "../benchmark";
import { amberQuestionFigures } from "./figures";
import type { AmberQuestion } from "./questions";
import { type ScoredReply, scoreReply } from "./scored_reply";
import { amberQuestionTable } from "./table";
import { amberQuestionTally } from "./tally";

/** AMBER's discriminative part of the answers of an experiment. */
export function amberQuestionMetric(): Metric<ScoredReply> {
  return {
    benchmark: "amber-questions",
    description: { metric: "amber-questions" },
    figures: amberQuestionFigures,
    columns: ["accuracy", "precision", "recall", "F1", "invalidRate"],
    telling: ["accuracy", "F1"],
    primary: "accuracy",
    counted: "questions",
    tested: { right: "right answers", score: "accuracy" },
    needsReference: false,
    read: ({ answer }, { fields }) => scoreReply({ ...(fields.question as AmberQuestion), response: answer }),
    judge({ id, image, query, correct }) {
      const figures = { accuracy: correct ? 1 : 0 };
      return { key: String(id), unit: `${image} ${query}`, image, right: correct, figures };
    },
    tally: amberQuestionTally,
    table: amberQuestionTable,
  };
}
