/** Options of the attention axis, with the names of the AAI authors' scripts beside ours. */
import type { InferredOptionTypes } from "yargs";
import { type AttentionMethod, aai, attentions, none, type PluginEditOptions } from "../../methods";
import { UsageError } from "../exit";
import { givenFlags, givenParameters, methodFlags } from "./method_flags";
import type { Flag } from "./strict";

export const attentionOptions = {
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
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof attentionOptions>;

/** `none` unless --attention, --use-aai or --alpha is given. */
export function attentionOf(args: Arguments): AttentionMethod | typeof none {
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
export function ownAttentionOptions(name: string, args: Arguments): PluginEditOptions {
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
export function attentionName(args: Arguments) {
  const { attention, "use-aai": useAai } = args;
  const alpha = "alpha" in args ? args.alpha : undefined;
  if (useAai === true && attention !== undefined && attention !== "aai")
    throw new UsageError(`--use-aai and --attention ${attention} contradict each other; give one of them.`);
  if (attention !== undefined) return attention;
  return useAai === true || (useAai === undefined && alpha !== undefined) ? "aai" : none;
}

/** The authors' two names for a range of layers as the one. */
function withLayers(args: Arguments): object {
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
