import { z } from "zod";
import { repopeSource } from "./data";
import { repopeMetric, repopeRules } from "./metric";

/** `repope()` is the metric of an experiment on `repopeQuestions({…})`. */
export const repope = Object.assign(repopeMetric, {
  title: "RePOPE (Neuhaus & Hein 2025): POPE's questions under corrected labels, beside POPE's own",
  options: z.strictObject({
    rule: z.enum(repopeRules).optional().describe("How a reply becomes yes or no [opera]"),
  }),
  data: repopeSource,
  answerTokens: 10,
});
