/** Options of the contrast axis. */
import type { InferredOptionTypes } from "yargs";
import { type Contrast, contrasts, type PluginContrastOptions } from "../methods";
import { UsageError } from "./exit";
import type { Flag } from "./strict";

/** Flag -> parameter. A method takes the flags whose parameters it has. */
const parameters = {
  "cd-alpha": "alpha",
  "cd-beta": "beta",
  "noise-step": "noiseStep",
  "noise-seed": "seed",
  gamma: "gamma",
  decay: "decay",
  "first-step": "firstStep",
  disturbance: "disturbance",
  "early-layers": "layers",
  "relative-top": "relativeTop",
  "cd-top-p": "topP",
  "max-candidates": "maxCandidates",
  keep: "keep",
  "keep-layer": "layer",
} as const;

export const contrastOptions = {
  contrast: {
    type: "string",
    describe: `What the logits are contrasted with: ${Object.keys(contrasts).join(", ")}, none, or one of --plugin [none]`,
    group: "Contrast:",
  },
  "cd-alpha": { type: "number", describe: "Weight of the contrast", group: "Contrast:" },
  "cd-beta": { type: "number", describe: "Plausibility: least share of the best token", group: "Contrast:" },
  "noise-step": {
    type: "number",
    describe: "vcd, noisy streams of --plugin: 0 to 999 [500]",
    group: "Contrast:",
  },
  "noise-seed": { type: "number", describe: "vcd, noisy streams of --plugin [42]", group: "Contrast:" },
  gamma: { type: "number", describe: "paiCfg: 1 = plain [1.1]", group: "Contrast:" },
  decay: { type: "number", describe: "m3id: growth with the answer's length [0.02]", group: "Contrast:" },
  "first-step": { type: "number", describe: "m3id: t of the first token, 0 or 1 [1]", group: "Contrast:" },
  disturbance: { type: "string", describe: "icd: text before the question", group: "Contrast:" },
  "early-layers": {
    type: "string",
    describe: "dola: low, high or a list 0,2,4 [low]; deco: START,END [20,29]",
    group: "Contrast:",
  },
  "relative-top": { type: "number", describe: "dola: plausibility [0.1]", group: "Contrast:" },
  "cd-top-p": { type: "number", describe: "deco: candidates' probability [0.9]", group: "Contrast:" },
  "max-candidates": { type: "number", describe: "deco [20]", group: "Contrast:" },
  keep: { type: "number", describe: "sid: image tokens that stay visible [50]", group: "Contrast:" },
  "keep-layer": { type: "number", describe: "sid: first layer with hidden ones [2]", group: "Contrast:" },
} as const satisfies Record<string, Flag>;

/** undefined unless --contrast is given. */
export function contrastOf(args: InferredOptionTypes<typeof contrastOptions>): Contrast | undefined {
  const { contrast: method } = args;
  const given = givenFlags(args);
  if (method !== undefined && !isContrast(method))
    throw new UsageError(
      `--contrast ${method} is none of ${Object.keys(contrasts).join(", ")}, none; one of your own needs --plugin FILE.`,
    );
  if (method === undefined || method === "none") {
    if (given.length > 0) throw new UsageError(`--${given[0]} belongs to a contrast; give --contrast too.`);
    return undefined;
  }
  const create = contrasts[method] as (options: Record<string, unknown>) => Contrast;
  for (const flag of given) {
    if (!(parameters[flag] in create({}))) throw new UsageError(`--contrast ${method} takes no --${flag}.`);
  }
  const value = (flag: keyof typeof parameters) =>
    flag === "early-layers" ? earlyLayers(args[flag]!) : args[flag];
  return create(Object.fromEntries(given.map((flag) => [parameters[flag], value(flag)])));
}

/** For a method of the user's own: what is said of its second stream. */
export function ownContrastOptions(
  name: string,
  args: InferredOptionTypes<typeof contrastOptions>,
): PluginContrastOptions {
  const { "noise-step": noiseStep, "noise-seed": noiseSeed } = args;
  const stray = givenFlags(args).find((flag) => flag !== "noise-step" && flag !== "noise-seed");
  if (stray !== undefined)
    throw new UsageError(`--contrast ${name} takes no --${stray}; parameters of its own are given by --set.`);
  return { ...(noiseStep !== undefined && { noiseStep }), ...(noiseSeed !== undefined && { noiseSeed }) };
}

/** Whether a contrast of this name is built in; no contrast at all is, too. */
export function isContrast(name: string): name is keyof typeof contrasts | "none" {
  return name === "none" || name in contrasts;
}

function givenFlags(args: InferredOptionTypes<typeof contrastOptions>): (keyof typeof parameters)[] {
  const flags = Object.keys(parameters) as (keyof typeof parameters)[];
  return flags.filter((flag) => args[flag] !== undefined);
}

/** The names of sets of layers are the method's to know. */
function earlyLayers(text: string): string | number[] {
  if (/^[a-z]+$/.test(text)) return text;
  const layers = text.split(",").map((one) => one.trim());
  if (layers.every((one) => /^\d+$/.test(one))) return layers.map(Number);
  throw new UsageError(
    `--early-layers is ${JSON.stringify(text)}; expected numbers such as 0,2,4, low or high.`,
  );
}
