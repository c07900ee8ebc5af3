/** Options that several commands share, with the names of the AAI authors' scripts as aliases. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InferredOptionTypes } from "yargs";
import type { LoadOptions } from "../client";
import { packageRoot } from "../data/package_root";
import { resolveModel } from "../environment/published_models";
import { type AttentionMethod, attentions, none, type PluginEditOptions } from "../methods";
import { UsageError } from "./exit";
import { refuseIdle } from "./idle";
import type { Flag } from "./strict";

export { searchOf, searchOptions } from "./search_options";

const options = <Table extends Record<string, Flag>>(table: Table) => table;

export const modelOptions = options({
  model: {
    type: "string",
    describe:
      "Checkpoint: a folder, a hub id, demo (comes along), llava-1.5, minigpt4, shikra (aai convert) [demo]",
    group: "Model:",
  },
  "model-path": {
    type: "string",
    describe: "Folder of the checkpoint; --model, beside it, is but a name",
    group: "Model:",
  },
  dtype: {
    choices: ["auto", "float32", "float16", "bfloat16", "int8", "nf4"] as const,
    default: "auto" as const,
    describe:
      "Number format of the weights; auto: the checkpoint's on a GPU, float32 on a CPU; int8, nf4: the decoder's only (bitsandbytes)",
    group: "Model:",
  },
  device: { type: "string", describe: "auto, cpu, cuda, cuda:1, mps [auto]", group: "Model:" },
  "device-map": {
    choices: ["auto"] as const,
    describe: "auto: spread a model that fits no single GPU over all of them",
    group: "Model:",
  },
  "gpu-id": {
    ...{ type: "number", whole: true, min: 0 },
    describe: "The authors' name for --device cuda:N",
    group: "Model:",
  },
  revision: { type: "string", describe: "Commit, tag or branch of a hub checkpoint", group: "Model:" },
  offline: { type: "boolean", default: false, describe: "Never ask the hub", group: "Model:" },
});

export const attentionOptions = options({
  attention: {
    type: "string",
    describe: `How attention to the image is edited: ${Object.keys(attentions).join(", ")}, none, or one of --plugin [none]`,
    group: "Attention:",
  },
  "use-aai": {
    type: "boolean",
    describe: "The authors' name for --attention aai (implied by --alpha)",
    group: "Attention:",
  },
  alpha: {
    type: "number",
    describe: "Strength [aai 0.3, hgai 0.5, pai by model, paint 0.7]",
    group: "Attention:",
  },
  beta: {
    type: "number",
    describe: "aai: factor on the original logits [1]; paint: strength on summary patches [0.3]",
    group: "Attention:",
  },
  "start-layer": {
    type: "number",
    describe: "First decoder layer edited [aai, pai 2, hgai 5, vaf 9]",
    group: "Attention:",
  },
  "end-layer": {
    type: "number",
    describe: "Layer after the last one edited [aai, pai all, hgai 18, vaf 15]",
    group: "Attention:",
  },
  warmup: {
    type: "number",
    describe: "aai, pai: tokens written before the edit acts; -1: from the first token on [aai 5, pai -1]",
    group: "Attention:",
  },
  "reference-mode": {
    choices: ["released", "corrected"] as const,
    describe: "aai: vision reference as the released code computes it, or as it was meant [released]",
    group: "Attention:",
  },
  normalisation: {
    choices: ["mean", "clip", "rank"] as const,
    describe: "aai: of the reference [mean]",
    group: "Attention:",
  },
  enhance: { type: "number", describe: "vaf: factor on image tokens [1.15]", group: "Attention:" },
  suppress: {
    type: "number",
    describe: "vaf: factor on tokens before the image [0.95]",
    group: "Attention:",
  },
  queries: {
    choices: ["behindImage", "newest"] as const,
    describe:
      "vaf: edited for every prompt token behind the image, too, or for the newest alone [behindImage]",
    group: "Attention:",
  },
});

type Arguments<Table extends Record<string, Flag>> = InferredOptionTypes<Table>;

/** The folder or hub id that --model and --model-path name. @throws UsageError, NotConvertedError */
export function modelSource(args: {
  model?: string | undefined;
  "model-path"?: string | undefined;
  revision?: string | undefined;
}): string {
  const { model = "demo", "model-path": path } = args;
  const demo = path === undefined && model === "demo";
  const source = demo ? join(packageRoot(), "demo", "checkpoint") : (path ?? resolveModel(model));
  if (existsSync(source)) refuseIdle(args, ["revision"], `on ${source}, which is no hub id but a folder`);
  return source;
}

export function deviceOf(args: { device?: string | undefined; "gpu-id"?: number | undefined }): string {
  const { device = "auto", "gpu-id": gpuId } = args;
  if (gpuId === undefined) return device;
  refuseIdle(args, ["device"], "beside --gpu-id");
  return `cuda:${gpuId}`;
}

export function loadOptionsOf({
  dtype,
  "device-map": deviceMap,
  offline,
  revision,
}: Pick<Arguments<typeof modelOptions>, "dtype" | "device-map" | "offline" | "revision">): LoadOptions {
  return {
    dtype,
    offline,
    ...(deviceMap !== undefined && { deviceMap }),
    ...(revision !== undefined && { revision }),
  };
}

/** `none` unless --attention, --use-aai or --alpha is given. */
export function attentionOf(args: Arguments<typeof attentionOptions>): AttentionMethod | typeof none {
  const method = attentionName(args);
  if (!isAttention(method))
    throw new UsageError(
      `--attention ${method} is none of ${Object.keys(attentions).join(", ")}, none; one of your own needs --plugin FILE.`,
    );
  if (method === none) return refuseStray(args);
  return attentions[method](givenOptions(method, args, Object.keys(attentions[method].method.parameters)));
}

function refuseStray(args: Arguments<typeof attentionOptions>): typeof none {
  const { attention: _, "use-aai": __, ...parameters } = attentionOptions;
  const flags = Object.keys(parameters) as (keyof typeof parameters)[];
  const stray = flags.find((flag) => args[flag] !== undefined);
  if (stray === undefined) return none;
  throw new UsageError(`--${stray} belongs to an edit of attention; give --attention or --use-aai, too.`);
}

/** For a method of the user's own: what is said of every edit. */
export function ownAttentionOptions(
  name: string,
  args: Arguments<typeof attentionOptions>,
): PluginEditOptions {
  if (args["use-aai"] === true)
    throw new UsageError(`--use-aai and --attention ${name} contradict each other; give one of them.`);
  const taken = ["layers", "warmup", "mode", "normalisation"];
  return givenOptions(name, args, taken, "; parameters of its own are given by --set");
}

/** Whether an edit of this name is built in; no edit at all is, too. */
export function isAttention(name: string): name is keyof typeof attentions | typeof none {
  return name === none || name in attentions;
}

function givenOptions(
  method: string,
  args: Arguments<typeof attentionOptions>,
  taken: readonly string[],
  advice = "",
): Record<string, unknown> & PluginEditOptions {
  const { alpha, beta, warmup, "reference-mode": mode, normalisation, enhance, suppress, queries } = args;
  const values = {
    alpha,
    beta,
    layers: layersOf(args),
    warmup,
    mode,
    normalisation,
    enhance,
    suppress,
    queries,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  for (const [name] of given) {
    if (!taken.includes(name))
      throw new UsageError(`--attention ${method} takes no ${flags[name] ?? `--${name}`}${advice}.`);
  }
  return Object.fromEntries(given);
}

const flags: Record<string, string> = { layers: "--start-layer", mode: "--reference-mode" };

function attentionName({ attention, "use-aai": useAai, alpha }: Arguments<typeof attentionOptions>) {
  if (useAai === true && attention !== undefined && attention !== "aai")
    throw new UsageError(`--use-aai and --attention ${attention} contradict each other; give one of them.`);
  if (attention !== undefined) return attention;
  return useAai === true || (useAai === undefined && alpha !== undefined) ? "aai" : "none";
}

function layersOf({ "start-layer": start, "end-layer": end }: Arguments<typeof attentionOptions>) {
  if ((start === undefined) !== (end === undefined))
    throw new UsageError("Give both --start-layer and --end-layer, or neither.");
  if (start !== undefined && end !== undefined && start >= end)
    throw new UsageError(
      `--start-layer ${start} --end-layer ${end} are no layers; the start must lie below the end.`,
    );
  return start === undefined || end === undefined ? undefined : ([start, end] as const);
}
