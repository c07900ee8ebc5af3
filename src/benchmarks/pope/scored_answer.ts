import type { YesNo } from "../yes_no";
import type { PopeQuestion } from "./question_files";
import { isInvalid, POPE_RULES, type PopeRule } from "./rules";

/** A question with the model's raw reply. */
export interface PopeAnswer extends PopeQuestion {
  answer: string;
}

export interface ScoredAnswer extends PopeAnswer {
  prediction: YesNo | "other";
  correct: boolean;
  invalid: boolean; // neither a yes nor a negation in it, whatever the rule makes of it
}

/** One reply as a rule reads it. */
export function scoreAnswer(answer: PopeAnswer, rule: PopeRule): ScoredAnswer {
  const prediction = POPE_RULES[rule].read(answer.answer, answer.label);
  return { ...answer, prediction, correct: prediction === answer.label, invalid: isInvalid(answer.answer) };
}
