import type { Metric } from "../benchmark";
import { summaryTable } from "../tables";
import { hallusionFigures } from "./figures";
import { HALLUSION_GROUPINGS, type HallusionGrouping } from "./groupings";
import { type HallusionQuestion, keyOf, setOf } from "./questions";
import { HALLUSION_RULES, type HallusionRule } from "./rules";
import { type HallusionAnswer, hallusionTally } from "./tally";

export interface HallusionBenchMetricOptions {
  /** Which rows the figures are of. Default "official". */
  grouping?: HallusionGrouping | undefined;
  /** How a reply becomes yes or no. Default "vlmevalkit". */
  rule?: HallusionRule | undefined;
}

/** HallusionBench of the answers of an experiment. Paired tests count all rows, whichever the figures are of. */
export function hallusionBenchMetric({
  grouping = "official",
  rule = "vlmevalkit",
}: HallusionBenchMetricOptions = {}): Metric<HallusionAnswer> {
  const { textOnly } = HALLUSION_GROUPINGS[grouping];
  return {
    benchmark: "hallusionbench",
    description: { metric: "hallusionbench", grouping, rule },
    figures: hallusionFigures,
    columns: Object.keys(hallusionFigures),
    telling: ["aAcc", "fAcc", "qAcc"],
    primary: "aAcc",
    counted: "questions",
    tested: { right: "right answers", score: "aAcc" },
    needsReference: false,
    read({ answer }, { fields }) {
      const question = fields.question as HallusionQuestion;
      const prediction = HALLUSION_RULES[rule].read(answer, question.label);
      const isExcused = textOnly && prediction === "other" && question.filename === null;
      return { ...question, answer, prediction, correct: isExcused || prediction === question.label };
    },
    judge(part) {
      return {
        key: keyOf(part),
        unit: `${part.filename ?? setOf(part)} ${part.question}`,
        image: setOf(part),
        right: part.correct,
        figures: { aAcc: part.correct ? 1 : 0 },
      };
    },
    tally: (parts) => hallusionTally(parts, grouping),
    table: (_, summary) => summaryTable(hallusionFigures, summary),
  };
}
