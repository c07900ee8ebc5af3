import { DataError } from "../../base/data_error";
import type { BootstrapOptions, Intervals, MetricValues } from "../../statistics";
import { sumUp } from "../benchmark";
import { amberQuestionMetric } from "./metric";
import { type AmberReply, type ScoredReply, scoreReply } from "./scored_reply";

export interface AmberQuestionsResult {
  benchmark: "amber-questions";
  figures: MetricValues; // "<type> accuracy", precision, recall, F1, invalidRate; "all <figure>"
  intervals: Intervals; // of the same, 95 % over images
  replies: ScoredReply[];
}

/** AMBER's discriminative part (Wang et al. 2023), as its inference.py computes it. @throws DataError */
export function score(replies: readonly AmberReply[], options: BootstrapOptions = {}): AmberQuestionsResult {
  if (replies.length === 0) throw new DataError("There is no reply to score.");
  const scored = replies.map(scoreReply);
  return { benchmark: "amber-questions", ...sumUp(amberQuestionMetric(), scored, options), replies: scored };
}
