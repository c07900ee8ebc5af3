export * from "./attention";
export { ParameterError } from "./refuse";
export * from "./search";
