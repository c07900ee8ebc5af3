import type { PopeMetric } from "../benchmark";
import { likelier } from "./likelihood";
import { questionOf } from "./questions";
import { POPE_RULES, type PopeRule } from "./rules";
import { score } from "./score";

/** POPE of the answers of a sweep. @param rule how a reply becomes yes or no */
export function popeMetric({ rule = "opera" }: { rule?: PopeRule } = {}): PopeMetric {
  return {
    kind: "pope",
    columns: ["accuracy", "precision", "recall", "F1", "yesRatio"],
    primary: "accuracy",
    description: { metric: "pope", rule },
    read: ({ question, answer, probes }) => ({
      ...question!,
      answer: probes === undefined ? answer : likelier(probes),
    }),
    unit: questionOf,
    perItem: ({ answer, label }) => ({ accuracy: POPE_RULES[rule].read(answer, label) === label ? 1 : 0 }),
    sumUp: (answers, bootstrap) => score(answers, rule, bootstrap),
  };
}
