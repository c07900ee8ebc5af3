/** Options that several commands share, with the names of the AAI authors' scripts as aliases. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InferredOptionTypes } from "yargs";
import { packageRoot } from "../base/package_root";
import type { LoadOptions } from "../client";
import { resolveModel } from "../environment/published_models";
import { type AttentionMethod, aai, attentions, none, type PluginEditOptions } from "../methods";
import { UsageError } from "./exit";
import { refuseIdle } from "./idle";
import { givenFlags, givenParameters, methodFlags } from "./method_flags";
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
  "start-layer": {
    ...{ type: "number", whole: true, min: 0 },
    describe: "With --end-layer, the authors' names for --layers: first layer edited",
    group: "Attention:",
  },
  "end-layer": {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Layer after the last one edited",
    group: "Attention:",
  },
  ...(methodFlags("attention", "Attention:") as object), // yargs' types cannot know them
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
  const given = withLayers(args);
  if (method !== none) return attentions[method](givenParameters("attention", method, given));
  const [stray] = givenFlags("attention", given);
  if (stray === undefined) return none;
  const typed = stray === "layers" && args["start-layer"] !== undefined ? "start-layer" : stray;
  throw new UsageError(`--${typed} belongs to an edit of attention; give --attention or --use-aai, too.`);
}

/** For a method of the user's own: what is said of every edit. */
export function ownAttentionOptions(
  name: string,
  args: Arguments<typeof attentionOptions>,
): PluginEditOptions {
  if (args["use-aai"] === true)
    throw new UsageError(`--use-aai and --attention ${name} contradict each other; give one of them.`);
  const given = withLayers(args);
  const ofEvery = ["layers", "warmup", "reference-mode", "normalisation"];
  const stray = givenFlags("attention", given).find((flag) => !ofEvery.includes(flag));
  if (stray !== undefined)
    throw new UsageError(
      `--attention ${name} takes no --${stray}; parameters of its own are given by --set.`,
    );
  return givenParameters("attention", aai.method.name, given) as PluginEditOptions;
}

/** Whether an edit of this name is built in; no edit at all is, too. */
export function isAttention(name: string): name is keyof typeof attentions | typeof none {
  return name === none || name in attentions;
}

/** The edit that the flags name, built in or not; `none` where they name none. @throws UsageError */
export function attentionName(args: Arguments<typeof attentionOptions>) {
  const { attention, "use-aai": useAai } = args;
  const alpha = "alpha" in args ? args.alpha : undefined;
  if (useAai === true && attention !== undefined && attention !== "aai")
    throw new UsageError(`--use-aai and --attention ${attention} contradict each other; give one of them.`);
  if (attention !== undefined) return attention;
  return useAai === true || (useAai === undefined && alpha !== undefined) ? "aai" : none;
}

/** The authors' two names for a range of layers as the one. */
function withLayers(args: Arguments<typeof attentionOptions>): object {
  const { "start-layer": start, "end-layer": end, ...others } = args;
  if (start === undefined && end === undefined) return others;
  if (start === undefined || end === undefined)
    throw new UsageError("Give both --start-layer and --end-layer, or neither.");
  if ("layers" in others && others.layers !== undefined)
    throw new UsageError("--layers and --start-layer say the same; give one of them.");
  if (start >= end)
    throw new UsageError(
      `--start-layer ${start} --end-layer ${end} are no layers; the start must lie below the end.`,
    );
  return { ...others, layers: `${start}-${end}` };
}
