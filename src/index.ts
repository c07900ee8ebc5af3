export * from "./arrays";
export { type DeathCause, WorkerDiedError, WorkerError } from "./bridge/errors";
export * from "./client";
export * from "./methods";
