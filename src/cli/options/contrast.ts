/** Options of the contrast axis. */
import type { InferredOptionTypes } from "yargs";
import { type Contrast, contrasts, type PluginContrastOptions, vcd } from "../../methods";
import type { OptionsOf } from "../../methods/registry";
import { UsageError } from "../exit";
import { givenFlags, givenParameters, methodFlags } from "./method_flags";
import type { Flag } from "./strict";

export const contrastOptions = {
  contrast: {
    type: "string",
    describe: `What the logits are contrasted with: ${Object.keys(contrasts).join(", ")}, none, or one of --plugin [none]`,
    group: "Contrast:",
  },
  ...(methodFlags("contrast", "Contrast:") as object), // yargs' types cannot know them
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof contrastOptions>;

/** undefined unless --contrast is given. */
export function contrastOf(args: Arguments): Contrast | undefined {
  const { contrast: method } = args;
  if (method !== undefined && !isContrast(method))
    throw new UsageError(
      `--contrast ${method} is none of ${Object.keys(contrasts).join(", ")}, none; one of your own needs --plugin FILE.`,
    );
  if (method === undefined || method === "none") {
    const [stray] = givenFlags("contrast", args);
    if (stray !== undefined) throw new UsageError(`--${stray} belongs to a contrast; give --contrast too.`);
    return undefined;
  }
  return contrasts[method](givenParameters("contrast", method, args));
}

/** For a method of the user's own: what is said of its second stream. */
export function ownContrastOptions(name: string, args: Arguments): PluginContrastOptions {
  const stray = givenFlags("contrast", args).find((flag) => !/^noise-(step|seed)$/.test(flag));
  if (stray !== undefined)
    throw new UsageError(`--contrast ${name} takes no --${stray}; parameters of its own are given by --set.`);
  const { noiseStep, seed } = givenParameters("contrast", vcd.method.name, args) as OptionsOf<
    typeof contrasts
  >["vcd"];
  return { ...(noiseStep !== undefined && { noiseStep }), ...(seed !== undefined && { noiseSeed: seed }) };
}

/** Whether a contrast of this name is built in; no contrast at all is, too. */
export function isContrast(name: string): name is keyof typeof contrasts | "none" {
  return name === "none" || name in contrasts;
}
