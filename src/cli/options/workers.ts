/** Options of commands that decode with several workers. */
import { availableParallelism } from "node:os";
import type { InferredOptionTypes } from "yargs";
import { type StartWorker, workersOn } from "../../experiments/decode/workers";
import { UsageError } from "../exit";
import { refuseIdle } from "./idle";
import type { Flag } from "./strict";

export const workerOptions = {
  "gpu-id": { type: "string", describe: "One worker on each of these GPUs: 0,1,2,3", group: "Model:" },
  workers: {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Workers on --device, where no --gpu-id is given [1]",
    group: "Model:",
  },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof workerOptions> & {
  device?: string | undefined;
  plugin?: string[] | undefined;
};

/** One worker a GPU, or so many on a device, which share its cores. @throws UsageError */
export function workersOf(args: Arguments): StartWorker[] {
  const { device = "auto", "gpu-id": gpus, workers = 1, plugin: plugins = [] } = args;
  if (gpus !== undefined) {
    refuseIdle(args, ["device", "workers"], "beside --gpu-id");
    if (!/^\d+(,\d+)*$/.test(gpus))
      throw new UsageError(`--gpu-id is ${JSON.stringify(gpus)}; expected numbers such as 0,1,2,3.`);
    return workersOn(
      gpus.split(",").map((gpu) => `cuda:${gpu}`),
      { plugins },
    );
  }
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  return workersOn(Array(workers).fill(device), { plugins, ...(workers > 1 && { threads }) });
}
