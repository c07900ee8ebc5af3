import type { AmberQuestion } from "./questions";

/** A question with the model's raw reply. */
export interface AmberReply extends AmberQuestion {
  response: string;
}

export interface ScoredReply extends AmberReply {
  /** What the reply says; "other" is neither, and wrong. */
  said: "yes" | "no" | "other";
  correct: boolean;
}

/** One reply as AMBER's inference.py reads it: only `Yes` and `No`, letter by letter, are answers. */
export function scoreReply(reply: AmberReply): ScoredReply {
  const said = reply.response === "Yes" ? "yes" : reply.response === "No" ? "no" : "other";
  return { ...reply, said, correct: said === reply.truth };
}
