import { z } from "zod";
import { questionSource } from "./data";
import { mmeMetric } from "./metric";
import { MME_RULES, type MmeRule } from "./rules";

/** `mme()` is the metric of an experiment. */
export const mme = Object.assign(mmeMetric, {
  title: "MME (Fu et al. 2023): pairs of yes/no questions about existence, count, position and colour",
  options: z.strictObject({
    rule: z
      .enum(Object.keys(MME_RULES) as [MmeRule, ...MmeRule[]])
      .optional()
      .describe("How a reply becomes yes or no [official]"),
  }),
  data: questionSource,
  answerTokens: 16,
  MME_RULES,
});
