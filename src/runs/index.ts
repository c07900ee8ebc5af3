export type { RunAttestation } from "../experiments/store/attestation";
export { type ChairRunOptions, type ChairRunResult, chairRun, readChairRun } from "./chair_run";
export { type PopeRunOptions, type PopeRunResult, popeRun, readPopeRun } from "./pope_run";
export { readRun, type StoredRun } from "./run_folder";
