import { sideBySide } from "../../statistics/tally";
import type { Metric } from "../benchmark";
import { popeFigures } from "../pope/figures";
import type { PopeQuestion } from "../pope/question_files";
import { questionOf } from "../pope/questions";
import { POPE_RULES, type PopeRule } from "../pope/rules";
import { type ScoredAnswer, scoreAnswer } from "../pope/scored_answer";
import { popeTally } from "../pope/tally";
import { splitsTable } from "../tables";
import type { YesNo } from "../yes_no";

/** An answer under both labels; `relabelled` is absent where RePOPE leaves the question out. */
export interface RepopeAnswer {
  pope: ScoredAnswer;
  relabelled: ScoredAnswer | undefined;
}

/** In front of the names of figures under RePOPE's labels. */
const prefix = "RePOPE";

/**
 * POPE under RePOPE's labels (Neuhaus & Hein 2025), and beside them under POPE's own, for the same answers. Tests and
 * fixed and broken questions are by RePOPE's labels; a question that it leaves out counts by POPE's in none of them.
 */
export function repopeMetric({ rule = "opera" }: { rule?: PopeRule | undefined } = {}): Metric<RepopeAnswer> {
  return {
    benchmark: "repope",
    description: { metric: "repope", rule },
    figures: popeFigures,
    columns: [`${prefix} accuracy`, `${prefix} F1`, `${prefix} yesRatio`],
    telling: [`${prefix} accuracy`, `${prefix} F1`],
    primary: `${prefix} accuracy`,
    counted: "questions",
    tested: { right: "right answers by RePOPE's labels", score: "accuracy" },
    needsReference: true,
    read({ answer }, { fields, reference }) {
      const question = fields.question as PopeQuestion;
      const score = (label: YesNo) => scoreAnswer({ ...question, label, answer }, rule);
      return {
        pope: score(question.label),
        relabelled: reference === "unclear" ? undefined : score(reference as YesNo),
      };
    },
    judge({ pope, relabelled }) {
      const unit = questionOf(pope);
      const right = relabelled?.correct ?? true; // left out: neither fixed nor broken
      const figures = relabelled === undefined ? {} : { accuracy: right ? 1 : 0 };
      return { key: `${pope.split} ${unit}`, unit, image: pope.image, right, figures };
    },
    tally(parts) {
      const own = popeTally(
        parts.map(({ pope }) => pope),
        rule,
      );
      const relabelled = popeTally(
        parts.flatMap((part) => part.relabelled ?? []),
        rule,
      );
      return sideBySide({ POPE: own, [prefix]: relabelled });
    },
    table: (parts, summary) =>
      splitsTable(popeFigures, summary, {
        relabelled: (group) =>
          inSplit(
            parts,
            group,
            ({ pope, relabelled }) => relabelled !== undefined && relabelled.label !== pope.label,
          ),
        "left out": (group) => inSplit(parts, group, ({ relabelled }) => relabelled === undefined),
      }),
  };
}

/** The number of questions of a split for which the condition holds; nothing beside POPE's own labels. */
function inSplit(parts: readonly RepopeAnswer[], group: string, is: (part: RepopeAnswer) => boolean): string {
  const [labels, split] = group.split(" ");
  if (labels !== prefix) return "";
  return String(parts.filter((part) => (split === "mean" || part.pope.split === split) && is(part)).length);
}

export const repopeRules = Object.keys(POPE_RULES) as [PopeRule, ...PopeRule[]];
