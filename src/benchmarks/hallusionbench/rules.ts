import { wordRule } from "../word_rule";
import type { AnswerRule } from "../yes_no";

export type HallusionRule = "vlmevalkit" | "intern";

/** How a reply becomes yes or no without a paid judge; the authors ask GPT-4. */
export const HALLUSION_RULES: Record<HallusionRule, AnswerRule> = {
  vlmevalkit: wordRule,
  intern: {
    source: "lmms-eval tasks/hallusion_bench, commented out: yes anywhere in the lower-cased reply, else no",
    read: (reply) => (reply.toLowerCase().includes("yes") ? "yes" : "no"),
  },
};
