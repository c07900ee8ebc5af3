import type { AnswerRule, YesNo } from "../yes_no";

export type PopeRule = "opera" | "official" | "vcd" | "lmms-eval" | "repope" | "exact";

export interface Rule extends AnswerRule {
  /** Whether a reply that is neither counts at all: as wrong, in the shares of all answers. */
  otherIsCounted: boolean;
  /** Whether an "other" to a question whose label is yes counts as missed in the recall. */
  otherIsMissed: boolean;
}

/** How the scripts in use turn a reply into yes or no. They disagree: the same replies give different figures. */
export const POPE_RULES: Record<PopeRule, Rule> = {
  opera: {
    source: "OPERA pope_eval.py, PAI pope_ans.py (and by descent AAI, SID)",
    read: (reply) => {
      const words = reply.replace(/[.,]/g, "").split(" ");
      const negative = (word: string) => ["No", "not", "no", "NO"].includes(word) || word.endsWith("n't");
      return words.some(negative) ? "no" : "yes";
    },
    otherIsCounted: true,
    otherIsMissed: true,
  },
  official: {
    source: "RUCAIBox/POPE evaluate.py, LLaVA eval_pope.py",
    read: (reply) => {
      const words = reply.split(".")[0]!.replaceAll(",", "").split(" ");
      return words.some((word) => ["No", "not", "no"].includes(word)) ? "no" : "yes";
    },
    otherIsCounted: true,
    otherIsMissed: true,
  },
  vcd: {
    source: "VCD eval_pope.py, AGLA: right if the label occurs anywhere in the reply",
    read: (reply, label) => {
      const right = reply.toLowerCase().includes(label);
      return right ? label : label === "yes" ? "no" : "yes";
    },
    otherIsCounted: true,
    otherIsMissed: true,
  },
  "lmms-eval": {
    source: "lmms-eval tasks/pope/utils.py: the whole reply; its recall forgets replies that are neither",
    read: (reply) => wholeReply(reply.toLowerCase().trim()),
    otherIsCounted: true,
    otherIsMissed: false,
  },
  repope: {
    source:
      "RePOPE eval_utils.py: yes, else no, anywhere in the reply; one with neither is left out of every figure",
    read: (reply) => {
      const lower = reply.toLowerCase();
      return lower.includes("yes") ? "yes" : lower.includes("no") ? "no" : "other";
    },
    otherIsCounted: false,
    otherIsMissed: false,
  },
  exact: {
    source: "ours: the whole reply but for case, spaces and one final period; anything else is wrong",
    read: (reply) => wholeReply(reply.toLowerCase().trim().replace(/\.$/, "")),
    otherIsCounted: true,
    otherIsMissed: true,
  },
};

/** Whether a reply, whatever the rule makes of it, contains no yes and no negation at all. */
export function isInvalid(reply: string): boolean {
  return !/\b(?:yes|no|not|none|cannot)\b|n['’]t\b/i.test(reply);
}

function wholeReply(reply: string): YesNo | "other" {
  return reply === "yes" || reply === "no" ? reply : "other";
}
