import { sideBySide } from "../../statistics/tally";
import type { Metric } from "../benchmark";
import { popeFigures } from "../pope/figures";
import type { PopeQuestion } from "../pope/question_files";
import { questionOf } from "../pope/questions";
import { POPE_RULES, type PopeRule } from "../pope/rules";
import { type ScoredAnswer, scoreAnswer } from "../pope/scored_answer";
import { popeTally } from "../pope/tally";
import { resultsTable } from "../tables";
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
    table(parts, { figures, intervals }) {
      const groups = [...new Set(Object.keys(figures).map((name) => name.slice(0, name.lastIndexOf(" "))))];
      const shown = Object.keys(popeFigures);
      const rows = groups.map((group) => ({
        name: group,
        values: Object.fromEntries(shown.map((name) => [name, figures[`${group} ${name}`]!])),
        intervals: Object.fromEntries(shown.map((name) => [name, intervals[`${group} ${name}`]])),
        more: changesOf(parts, group),
      }));
      return resultsTable(rows, popeFigures, shown, ["relabelled", "left out"]);
    },
  };
}

/** How many questions of a split have another label in RePOPE, and how many none. */
function changesOf(parts: readonly RepopeAnswer[], group: string): string[] {
  const [labels, split] = group.split(" ");
  const mine = parts.filter(({ pope }) => split === "mean" || pope.split === split);
  if (labels !== prefix) return ["", ""];
  const changed = mine.filter(({ pope, relabelled }) => relabelled && relabelled.label !== pope.label);
  return [String(changed.length), String(mine.filter(({ relabelled }) => !relabelled).length)];
}

export const repopeRules = Object.keys(POPE_RULES) as [PopeRule, ...PopeRule[]];
