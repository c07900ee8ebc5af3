export * from "./arrays";
export { type DeathCause, WorkerDiedError, WorkerError } from "./bridge/errors";
export * from "./client";
export * from "./data";
export * from "./methods";
export * from "./metrics";
export * from "./runs";
export * from "./sweep";
