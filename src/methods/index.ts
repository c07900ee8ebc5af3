export * from "./attention";
export * from "./contrast";
export { ParameterError } from "./refuse";
export * from "./search";
