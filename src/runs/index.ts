export { chairRun, type ChairRunOptions, type ChairRunResult, readChairRun } from "./chair_run";
export { popeRun, type PopeRunOptions, type PopeRunResult, readPopeRun } from "./pope_run";
export { readRun, type StoredRun } from "./run_folder";
