import { wordRule } from "../word_rule";
import type { AnswerRule } from "../yes_no";

export type MmeRule = "official" | "shield" | "lmms-eval" | "vlmevalkit";

/** How the scripts in use turn a reply into yes or no. They disagree: the same replies give different scores. */
export const MME_RULES: Record<MmeRule, AnswerRule> = {
  official: {
    source:
      "MME eval_tool/calculation.py: yes, else no, within the first four characters of the lower-cased reply",
    read: (reply) => beginning(reply.toLowerCase()),
  },
  shield: {
    source: "SHIELD eval_mme.py: right if the label occurs anywhere in the lower-cased reply",
    read: (reply, label) => {
      if (reply.toLowerCase().includes(label)) return label;
      return label === "yes" ? "no" : "yes";
    },
  },
  "lmms-eval": {
    source: "lmms-eval tasks/mme/utils.py: y, n, or the official rule, full stops and outer spaces deleted",
    read: (reply) => {
      const bare = reply.toLowerCase().trim().replaceAll(".", "");
      if (bare === "y") return "yes";
      return bare === "n" ? "no" : beginning(bare);
    },
  },
  vlmevalkit: wordRule,
};

function beginning(reply: string): ReturnType<AnswerRule["read"]> {
  const first = [...reply].slice(0, 4).join(""); // characters, as Python counts them
  if (first.includes("yes")) return "yes";
  return first.includes("no") ? "no" : "other";
}
