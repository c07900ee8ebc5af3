export type { Axes, Axis } from "./axes";
export type { Cell } from "./cells";
export {
  type CocoCaptionsOptions,
  cocoCaptions,
  type PopeQuestionsOptions,
  popeQuestions,
  type SweepData,
  type SweepItem,
} from "./data";
export { readSweep, type StoredSweep } from "./folder";
export { type HalvingOptions, halving } from "./halving";
export type { PlannedCell } from "./plan";
export type { SweepProgress } from "./progress";
export { type RacingOptions, racing } from "./racing";
export { range } from "./range";
export { writeReport } from "./report";
export { type CellResult, type CellState, type MetricResult, SweepResult } from "./result";
export { type Contest, type Drop, everything, type Scheduler, type Step } from "./scheduler";
export type { Settings } from "./settings";
export { type Base, type Space, space } from "./space";
export { sweep } from "./sweep";
export { type StartWorker, workersOn } from "./workers";
