import { DataError } from "../../base/data_error";
import { type BootstrapOptions, bootstrap, type Intervals } from "../../statistics/bootstrap";
import { type MetricValues, totals } from "../../statistics/tally";
import type { PopeQuestion } from "./question_files";
import { isInvalid, POPE_RULES, type PopeLabel, type PopeRule } from "./rules";
import { popeTally } from "./tally";

/** A question with the model's raw reply. */
export interface PopeAnswer extends PopeQuestion {
  answer: string;
}

export interface ScoredAnswer extends PopeAnswer {
  prediction: PopeLabel | "other";
  correct: boolean;
  invalid: boolean; // neither a yes nor a negation in it, whatever the rule makes of it
}

export interface PopeResult {
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
  const scored = answers.map((answer) => {
    const prediction = POPE_RULES[rule].read(answer.answer, answer.label);
    return { ...answer, prediction, correct: prediction === answer.label, invalid: isInvalid(answer.answer) };
  });
  const tally = popeTally(scored, rule);
  const { source } = POPE_RULES[rule];
  return { rule, source, metrics: totals(tally), intervals: bootstrap(tally, options), answers: scored };
}
