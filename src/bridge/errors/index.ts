export { type DeathCause, WorkerDiedError } from "./worker_died";
export { WorkerError } from "./worker_error";
