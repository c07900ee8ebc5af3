export * from "./attention";
export * from "./contrast";
export { Plugin } from "./plugin";
export { ParameterError } from "./refuse";
export * from "./search";
