import { DataError } from "../../base/data_error";
import { type BootstrapOptions, bootstrap, type Intervals } from "../../statistics/bootstrap";
import { type MetricValues, totals } from "../../statistics/tally";
import { POPE_RULES, type PopeRule } from "./rules";
import { type PopeAnswer, type ScoredAnswer, scoreAnswer } from "./scored_answer";
import { popeTally } from "./tally";

export interface PopeResult {
  benchmark: "pope";
  rule: PopeRule;
  source: string; // whose rule it is
  metrics: MetricValues; // "<split> accuracy", precision, recall, F1, yesRatio, invalidRate; "mean <metric>"
  intervals: Intervals; // of the same, 95 % over images
  answers: ScoredAnswer[];
}

/**
 * POPE (Li et al. 2023): yes/no questions about objects, "yes" the positive class. `yesRatio` is of the predictions.
 * A metric that would divide by zero is null.
 */
export function score(
  answers: readonly PopeAnswer[],
  rule: PopeRule,
  options: BootstrapOptions = {},
): PopeResult {
  if (!Object.hasOwn(POPE_RULES, rule)) {
    throw new DataError(
      `There is no answer rule "${rule}"; expected one of ${Object.keys(POPE_RULES).join(", ")}.`,
    );
  }
  if (answers.length === 0) throw new DataError("There is no answer to score.");
  const scored = answers.map((answer) => scoreAnswer(answer, rule));
  const tally = popeTally(scored, rule);
  return {
    benchmark: "pope",
    rule,
    source: POPE_RULES[rule].source,
    metrics: totals(tally),
    intervals: bootstrap(tally, options),
    answers: scored,
  };
}
