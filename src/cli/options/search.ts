/** Options of the search axis: how tokens are picked. */
import type { InferredOptionTypes } from "yargs";
import { type Search, searches } from "../../methods";
import { givenFlags, givenParameters, methodFlags, takes } from "./method_flags";
import type { Flag } from "./strict";

const group = "Search:";
const names = Object.keys(searches) as (keyof typeof searches)[];

export const searchOptions = {
  search: {
    choices: names,
    describe: "How tokens are picked [as the other options imply; greedy]",
    group,
  },
  ...(methodFlags("search", group) as object), // yargs' types cannot know them
  "max-new-tokens": {
    alias: "max-tokens",
    type: "number",
    describe: `Longest answer in tokens [${searches.greedy.method.parameters.maxNewTokens.shown}]`,
    group,
  },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof searchOptions>;

/**
 * The search asked for by name, or else the one that the options given belong to.
 * @param usual what it has where no option says otherwise. @throws UsageError, ParameterError
 */
export function searchOf(args: Arguments, usual: { maxNewTokens?: number } = {}): Search {
  const method = searchName(args);
  return searches[method]({ ...usual, ...givenParameters("search", method, withoutOneBeam(args)) });
}

/** The released POPE command names OPERA's parameters and no search: OPERA it is. */
export function searchName(args: Arguments): keyof typeof searches {
  if (args.search !== undefined) return args.search;
  const given = givenFlags("search", withoutOneBeam(args)).filter((flag) => flag !== "max-new-tokens");
  if (given.length === 0) return "greedy";
  const fitting = (name: string) => given.filter((flag) => takes("search", name, flag)).length;
  return names.reduce((best, name) => (fitting(name) > fitting(best) ? name : best));
}

/** One beam is what every search has. */
function withoutOneBeam(args: Arguments): object {
  return "beam" in args && args.beam === 1 ? { ...args, beam: undefined } : args;
}
