import * as chairScoring from "./chair";
import { chairMetric } from "./chair/metric";
import * as popeScoring from "./pope";
import { popeMetric } from "./pope/metric";

/** `chair()` is the metric of a sweep; `chair.score(captions, groundTruth)` scores captions by themselves. */
export const chair = Object.assign(chairMetric, chairScoring);

/** `pope()` is the metric of a sweep; `pope.score(answers, rule)` scores answers by themselves. */
export const pope = Object.assign(popeMetric, popeScoring);

export type { Metric } from "./benchmark";
export type {
  ChairMention,
  ChairOptions,
  ChairResult,
  ChairSentence,
  Mention,
  ObjectLexicon,
  Scorer,
} from "./chair";
export { type Caption, type CaptionKeys, type FinishReason, readCaptions } from "./chair/captions";
export { type CocoGroundTruth, type CocoOptions, cocoGroundTruth } from "./chair/coco";
export { type GroundTruth, readGroundTruth, readObjectList } from "./chair/ground_truth";
export { type Comparison, compare } from "./compare";
export type {
  PopeAnswer,
  PopeBuildOptions,
  PopeResult,
  PopeRule,
  PopeSplit,
  QuestionCount,
  ScoredAnswer,
} from "./pope";
export { readPopeAnswers } from "./pope/answer_files";
export { type PopeFiles, type PopeQuestion, readPope, readPopeFiles, writePope } from "./pope/question_files";
export { testedFigures, verdict } from "./verdict";
