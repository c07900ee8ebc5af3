import { z } from "zod";
import { opopeSource } from "./data";
import { opopeMetric } from "./metric";
import { OPOPE_RULES, type OpopeRule } from "./said";

/** `opope()` is the metric of an experiment on `opopeCaptions({…})`. */
export const opope = Object.assign(opopeMetric, {
  title: "OPOPE (HALC, Chen et al. 2024): POPE's questions answered from captions",
  options: z.strictObject({
    rule: z
      .enum(Object.keys(OPOPE_RULES) as [OpopeRule, ...OpopeRule[]])
      .optional()
      .describe(
        "What counts as saying an object: class, first-word (as Nullu), halc (any part of the text) [class]",
      ),
  }),
  data: opopeSource,
  answerTokens: 512,
});
