import { z } from "zod";
import { build } from "./build";
import { questionSource } from "./data";
import { likelier, likelihoodProbes } from "./likelihood";
import { popeMetric } from "./metric";
import { POPE_RULES, type PopeRule } from "./rules";
import { type PopeResult, score } from "./score";

/** `pope()` is the metric of an experiment; `pope.score(answers, rule)` scores answers by themselves. */
export const pope = Object.assign(popeMetric, {
  title: "POPE (Li et al. 2023): yes/no questions about objects",
  options: z.strictObject({
    rule: z
      .enum(Object.keys(POPE_RULES) as [PopeRule, ...PopeRule[]])
      .optional()
      .describe("How a reply becomes yes or no [opera]"),
  }),
  data: questionSource,
  answerTokens: 10,
  scored: ({ rule, answers }: PopeResult) => ({ metric: popeMetric({ rule }), parts: answers }),
  score,
  build,
  likelier,
  likelihoodProbes,
  POPE_RULES,
});
