/** Options of the checkpoint, and of where it computes. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InferredOptionTypes } from "yargs";
import { packageRoot } from "../../base/package_root";
import type { LoadOptions } from "../../client";
import { resolveModel } from "../../environment/published_models";
import { refuseIdle } from "./idle";
import type { Flag } from "./strict";

export const modelOptions = {
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
} as const satisfies Record<string, Flag>;

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
}: Pick<
  InferredOptionTypes<typeof modelOptions>,
  "dtype" | "device-map" | "offline" | "revision"
>): LoadOptions {
  return {
    dtype,
    offline,
    ...(deviceMap !== undefined && { deviceMap }),
    ...(revision !== undefined && { revision }),
  };
}
