/** How tokens are picked: the options of every command that generates. */
import type { InferredOptionTypes } from "yargs";
import { beam, greedy, opera, type Search, sample } from "../methods";
import { UsageError } from "./exit";
import type { Flag } from "./strict";

const group = "Search:";

const number = (describe: string, alias?: string) =>
  ({ type: "number", describe, group, ...(alias && { alias }) }) as const;

export const searchOptions = {
  "max-new-tokens": {
    alias: "max-tokens",
    type: "number",
    describe: "Longest answer in tokens [512]",
    group,
  },
  search: {
    choices: ["greedy", "sample", "beam", "opera"] as const,
    describe: "How tokens are picked [as the other options imply; greedy]",
    group,
  },
  beam: number("beam, opera: beams; above 1 implies beam [5]"),
  "length-penalty": number("beam, opera: above 0 favours long answers [1]"),
  "early-stopping": {
    type: "boolean",
    describe: "beam: stop at --beam ended beams, though a running one might beat them [no]",
    group,
  },
  temperature: number("sample: divides the logits [1]"),
  "top-k": number("sample: only the k likeliest tokens; 0: all [0]"),
  "top-p": number("sample: only the likeliest tokens that sum up to this [1]"),
  "min-p": number("sample: only tokens this probable relative to the likeliest [0]"),
  "repetition-penalty": number("sample: above 1, tokens seen before become less likely [the checkpoint's]"),
  "sample-seed": number("sample: of every row's random numbers [0]"),
  "scale-factor": number("opera: sigma, factor on attention weights [50]", "scale_factor"),
  threshold: number("opera: goes back when one anchor is found more often than this [15]"),
  "num-attn-candidates": number("opera: tokens tried per beam and step [5]", "num_attn_candidates"),
  "penalty-weights": number("opera: alpha, factor on the penalty [1]", "penalty_weights"),
  "opera-mode": {
    choices: ["faithful", "clean"] as const,
    describe: "opera: the released code with its faults, or without [faithful]",
    group,
  },
} satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof searchOptions>;
type Option = keyof typeof searchOptions;

const samplingOptions = [
  "temperature",
  "top-k",
  "top-p",
  "min-p",
  "repetition-penalty",
  "sample-seed",
] as const satisfies Option[];
const beamOptions = ["beam", "length-penalty", "early-stopping"] as const satisfies Option[];
const operaOptions = [
  "scale-factor",
  "threshold",
  "num-attn-candidates",
  "penalty-weights",
  "opera-mode",
] as const satisfies Option[];

/** What each search takes beside --max-new-tokens. */
const taken: Record<Search["method"], readonly Option[]> = {
  greedy: [],
  sample: samplingOptions,
  beam: beamOptions,
  opera: ["beam", "length-penalty", ...operaOptions],
};

/** The search asked for by name, or else the one that the options given belong to. @throws UsageError, ParameterError */
export function searchOf(args: Arguments): Search {
  const method = args.search ?? impliedSearch(args);
  const given = [...samplingOptions, ...beamOptions, ...operaOptions].filter((name) => isGiven(args, name));
  const stray = given.find((name) => !taken[method].includes(name));
  if (stray !== undefined) throw new UsageError(`--${stray} has no meaning under --search ${method}.`);
  const limit = defined({ maxNewTokens: args["max-new-tokens"] });
  switch (method) {
    case "greedy":
      return greedy(limit);
    case "sample":
      return sample({
        ...limit,
        ...defined({
          temperature: args.temperature,
          topK: args["top-k"],
          topP: args["top-p"],
          minP: args["min-p"],
          repetitionPenalty: args["repetition-penalty"],
          seed: args["sample-seed"],
        }),
      });
    case "beam":
      return beam({
        ...limit,
        ...defined({
          numBeams: args.beam,
          lengthPenalty: args["length-penalty"],
          earlyStopping: args["early-stopping"],
        }),
      });
    case "opera":
      return opera({
        ...limit,
        ...defined({
          numBeams: args.beam,
          lengthPenalty: args["length-penalty"],
          scaleFactor: args["scale-factor"],
          threshold: args.threshold,
          numAttnCandidates: args["num-attn-candidates"],
          penaltyWeights: args["penalty-weights"],
          mode: args["opera-mode"],
        }),
      });
  }
}

/** The released POPE command names OPERA's parameters and no search: OPERA it is. */
function impliedSearch(args: Arguments): Search["method"] {
  if (operaOptions.some((name) => isGiven(args, name))) return "opera";
  if (samplingOptions.some((name) => isGiven(args, name))) return "sample";
  return beamOptions.some((name) => isGiven(args, name)) ? "beam" : "greedy";
}

/** One beam is what every search has. */
function isGiven(args: Arguments, name: Option): boolean {
  return args[name] !== undefined && !(name === "beam" && args.beam === 1);
}

type Defined<Value> = { [Key in keyof Value]?: Exclude<Value[Key], undefined> };

function defined<Value extends object>(options: Value): Defined<Value> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Defined<Value>;
}
