export {
  type CocoCaptionsOptions,
  cocoCaptions,
  type PopeQuestionsOptions,
  popeQuestions,
  type SweepData,
  type SweepItem,
} from "./data";
export { type StartWorker, workersOn } from "./decode/workers";
export type { PlannedCell } from "./plan";
export type { SweepProgress } from "./progress";
export { writeReport } from "./result/report";
export { type CellResult, type CellState, type MetricResult, SweepResult } from "./result/result";
export { type HalvingOptions, halving } from "./schedule/halving";
export { type RacingOptions, racing } from "./schedule/racing";
export { type Contest, type Drop, everything, type Scheduler, type Step } from "./schedule/scheduler";
export type { Axes, Axis } from "./space/axes";
export type { Cell } from "./space/cells";
export { range } from "./space/range";
export type { Settings } from "./space/settings";
export { type Base, type Space, space } from "./space/space";
export { readSweep, type StoredSweep } from "./store/folder";
export { sweep } from "./sweep";
