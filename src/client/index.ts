export type { Capture } from "./capture";
export type * from "./events";
export type { Generation } from "./generation";
export { ImageError, type ImageInput } from "./image";
export type { HookHandle, LlamaModifyOptions, Model, ModelDescription } from "./model";
export type { GenerateOptions, RowRequest } from "./request";
export type { BatchResult, GenerateResult, RowResult } from "./result";
export type { VisionReference } from "./vision";
export { type LoadOptions, startWorker, type Worker, type WorkerOptions } from "./worker";
