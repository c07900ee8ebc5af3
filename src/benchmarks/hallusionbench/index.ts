import { z } from "zod";
import { questionSource } from "./data";
import { HALLUSION_GROUPINGS, type HallusionGrouping } from "./groupings";
import { hallusionBenchMetric } from "./metric";
import { HALLUSION_RULES, type HallusionRule } from "./rules";

/** `hallusionbench()` is the metric of an experiment. */
export const hallusionbench = Object.assign(hallusionBenchMetric, {
  title: "HallusionBench (Guan et al. 2024): yes/no questions about figures, original and edited",
  options: z.strictObject({
    grouping: z
      .enum(Object.keys(HALLUSION_GROUPINGS) as [HallusionGrouping, ...HallusionGrouping[]])
      .optional()
      .describe("Which rows the figures are of [official]"),
    rule: z
      .enum(Object.keys(HALLUSION_RULES) as [HallusionRule, ...HallusionRule[]])
      .optional()
      .describe("How a reply becomes yes or no [vlmevalkit]"),
  }),
  data: questionSource,
  answerTokens: 16,
  HALLUSION_GROUPINGS,
  HALLUSION_RULES,
});
