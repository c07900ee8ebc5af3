/** Options of the contrast axis. */
import type { InferredOptionTypes, Options } from "yargs";
import { type Contrast, contrasts } from "../methods";
import { UsageError } from "./exit";

/** Flag -> parameter. A method takes the flags whose parameters it has. */
const parameters = {
  "cd-alpha": "alpha",
  "cd-beta": "beta",
  "noise-step": "noiseStep",
  "noise-seed": "seed",
  gamma: "gamma",
  decay: "decay",
} as const;

export const contrastOptions = {
  contrast: {
    choices: [...(Object.keys(contrasts) as (keyof typeof contrasts)[]), "none"] as const,
    describe: "What the logits are contrasted with [none]; see `aai methods`",
    group: "Contrast:",
  },
  "cd-alpha": { type: "number", describe: "Weight of the contrast", group: "Contrast:" },
  "cd-beta": { type: "number", describe: "Plausibility: least share of the best token", group: "Contrast:" },
  "noise-step": { type: "number", describe: "vcd: 0 to 999 [500]", group: "Contrast:" },
  "noise-seed": { type: "number", describe: "vcd [42]", group: "Contrast:" },
  gamma: { type: "number", describe: "paiCfg: 1 = plain [1.1]", group: "Contrast:" },
  decay: { type: "number", describe: "m3id: growth with the answer's length [0.02]", group: "Contrast:" },
} as const satisfies Record<string, Options>;

/** undefined unless --contrast is given. */
export function contrastOf(args: InferredOptionTypes<typeof contrastOptions>): Contrast | undefined {
  const { contrast: method } = args;
  const flags = Object.keys(parameters) as (keyof typeof parameters)[];
  const given = flags.filter((flag) => args[flag] !== undefined);
  if (method === undefined || method === "none") {
    if (given.length > 0) throw new UsageError(`--${given[0]} belongs to a contrast; give --contrast too.`);
    return undefined;
  }
  const create = contrasts[method] as (options: Record<string, unknown>) => Contrast;
  for (const flag of given) {
    if (!(parameters[flag] in create({}))) throw new UsageError(`--contrast ${method} takes no --${flag}.`);
  }
  return create(Object.fromEntries(given.map((flag) => [parameters[flag], args[flag]])));
}
