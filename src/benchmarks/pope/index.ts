import { build } from "./build";
import { questionSource } from "./data";
import { likelier, likelihoodProbes } from "./likelihood";
import { popeMetric } from "./metric";
import { POPE_RULES } from "./rules";
import { type PopeResult, score } from "./score";

/** `pope()` is the metric of an experiment; `pope.score(answers, rule)` scores answers by themselves. */
export const pope = Object.assign(popeMetric, {
  data: questionSource,
  scored: ({ rule, answers }: PopeResult) => ({ metric: popeMetric({ rule }), parts: answers }),
  score,
  build,
  likelier,
  likelihoodProbes,
  POPE_RULES,
});
