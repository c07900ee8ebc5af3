/** Options that several commands share, with the names of the seed's scripts as aliases. */
import { join } from "node:path";
import type { InferredOptionTypes, Options } from "yargs";
import type { LoadOptions } from "../client";
import { packageRoot } from "../data/package_root";
import { type Aai, aai, type Greedy, greedy, none } from "../methods";
import { UsageError } from "./exit";

const options = <Table extends Record<string, Options>>(table: Table) => table;

export const modelOptions = options({
  model: {
    alias: "model-path",
    type: "string",
    default: "demo",
    describe: "Checkpoint: a folder, a hub id, or `demo` for the one that comes with the package",
    group: "Model:",
  },
  dtype: {
    choices: ["auto", "float32", "float16", "bfloat16"] as const,
    default: "auto" as const,
    describe: "Number format of the weights; auto: the checkpoint's on a GPU, float32 on a CPU",
    group: "Model:",
  },
  device: { type: "string", default: "auto", describe: "auto, cpu, cuda, cuda:1, mps", group: "Model:" },
  "gpu-id": { type: "number", describe: "The seed's name for --device cuda:N", group: "Model:" },
  revision: { type: "string", describe: "Commit, tag or branch of a hub checkpoint", group: "Model:" },
  offline: { type: "boolean", default: false, describe: "Never ask the hub", group: "Model:" },
});

export const attentionOptions = options({
  "use-aai": {
    type: "boolean",
    describe: "Align attention with the image (implied by --alpha)",
    group: "AAI:",
  },
  alpha: {
    type: "number",
    describe: "Strength of the pull towards the vision reference [0.3]",
    group: "AAI:",
  },
  beta: { type: "number", describe: "Factor on the original logits [1]", group: "AAI:" },
  "start-layer": { type: "number", describe: "First decoder layer edited [2]", group: "AAI:" },
  "end-layer": { type: "number", describe: "Layer after the last one edited [all layers]", group: "AAI:" },
  warmup: {
    type: "number",
    describe: "Tokens written before the edit acts; -1: from the first token on [5]",
    group: "AAI:",
  },
  "reference-mode": {
    choices: ["seed", "corrected"] as const,
    describe: "Vision reference as the seed computes it, or as it was meant [seed]",
    group: "AAI:",
  },
  normalisation: {
    choices: ["mean", "clip", "rank"] as const,
    describe: "Of the reference [mean]",
    group: "AAI:",
  },
});

export const searchOptions = options({
  "max-new-tokens": {
    alias: "max-tokens",
    type: "number",
    default: 512,
    describe: "Longest answer",
    group: "Search:",
  },
  beam: {
    type: "number",
    default: 1,
    describe: "Beams; only 1, greedy search, is there yet",
    group: "Search:",
  },
});

type Arguments<Table extends Record<string, Options>> = InferredOptionTypes<Table>;

/** What `--model demo` stands for. */
export function modelSource({ model }: { model: string }): string {
  return model === "demo" ? join(packageRoot(), "demo", "checkpoint") : model;
}

export function deviceOf({
  device,
  "gpu-id": gpuId,
}: {
  device: string;
  "gpu-id"?: number | undefined;
}): string {
  return gpuId === undefined ? device : `cuda:${gpuId}`;
}

export function loadOptionsOf({ dtype, offline, revision }: Arguments<typeof modelOptions>): LoadOptions {
  return { dtype, offline, ...(revision !== undefined && { revision }) };
}

/** `none` unless --use-aai or one of its parameters is given. */
export function attentionOf(args: Arguments<typeof attentionOptions>): Aai | typeof none {
  const { alpha, beta, "start-layer": start, "end-layer": end, warmup } = args;
  const { "use-aai": use, "reference-mode": mode, normalisation } = args;
  if (use === false || (use === undefined && alpha === undefined)) return none;
  if ((start === undefined) !== (end === undefined))
    throw new UsageError("Give both --start-layer and --end-layer, or neither.");
  return aai({
    ...(alpha !== undefined && { alpha }),
    ...(beta !== undefined && { beta }),
    ...(start !== undefined && end !== undefined && { layers: [start, end] as const }),
    ...(warmup !== undefined && { warmup }),
    ...(mode !== undefined && { mode }),
    ...(normalisation !== undefined && { normalisation }),
  });
}

export function searchOf({ "max-new-tokens": maxNewTokens, beam }: Arguments<typeof searchOptions>): Greedy {
  if (beam !== 1) throw new UsageError(`--beam ${beam}: beam search is not there yet; use --beam 1.`);
  return greedy({ maxNewTokens });
}
