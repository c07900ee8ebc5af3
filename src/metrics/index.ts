export type {
  ChairMention,
  ChairOptions,
  ChairResult,
  ChairSentence,
  Mention,
  ObjectLexicon,
  Scorer,
} from "./chair";
export * as chair from "./chair";
export { type Comparison, compare, verdict } from "./compare";
export type { PopeAnswer, PopeBuildOptions, PopeResult, PopeRule, PopeSplit, ScoredAnswer } from "./pope";
export * as pope from "./pope";
export * from "./statistics";
