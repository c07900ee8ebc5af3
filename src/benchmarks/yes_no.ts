export type YesNo = "yes" | "no";

/** A way to turn a reply into yes or no, as somebody's script has it. */
export interface AnswerRule {
  source: string;
  /** What the reply is taken for; "other" is neither, and wrong. */
  read(reply: string, label: YesNo): YesNo | "other";
}
