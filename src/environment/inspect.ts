import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import type { ModelDescription } from "../protocol/messages";
import { type AskOptions, askPython } from "./ask_python";
import { resolveModel } from "./published_models";

/** What a checkpoint is, without loading it: what the worker would say of it, and how its prompts are laid out. */
export interface CheckpointDescription extends z.infer<typeof ModelDescription> {
  /** "chat", the checkpoint's own, where it has one; else the first of `templates`. */
  template: string;
  /** A question in that template, and its length in tokens, image tokens included. */
  prompt: string;
  promptTokens: number;
  /** Where the image tokens sit in it: runs [start, end). */
  imageRuns: [number, number][];
  /** Rows and columns of the vision reference on the encoder's grid. */
  referenceShape: [number, number];
  /** Number formats of the tensors in the safetensors files; null where they are not on this disk. */
  dtypes: string[] | null;
  weightBytes: number | null;
  /** Other files with weights in its folder, which are not read: another format, or what an earlier save left. */
  unusedWeights: string[];
}

/**
 * Describes the checkpoint in folder or with hub id `source`. No weights are read, none are downloaded. Rejects with a
 * PythonQuestionError of one sentence where it is no checkpoint, a damaged one, or of a family that is not supported.
 */
export function inspectCheckpoint(source: string, options?: AskOptions): Promise<CheckpointDescription> {
  return askPython("inspect", [existsSync(source) ? resolve(source) : resolveModel(source)], options);
}
