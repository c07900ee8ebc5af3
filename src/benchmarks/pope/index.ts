export { build, type PopeBuildOptions, type PopeSplit } from "./build";
export { likelier, likelihoodProbes } from "./likelihood";
export type { QuestionCount } from "./questions";
export { POPE_RULES, type PopeRule } from "./rules";
export { type PopeAnswer, type PopeResult, type ScoredAnswer, score } from "./score";
