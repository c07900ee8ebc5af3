/** The likeliest token at every step. */
import type { z } from "zod";
import { GreedyParameters } from "../../protocol/parameters";
import { type About, shared } from "../about";
import { checked } from "../refuse";

export interface GreedyOptions {
  /** Longest answer in tokens. Default 512, as in the seed's CHAIR runs. */
  maxNewTokens?: number;
}

export type Greedy = z.infer<typeof GreedyParameters>;

/** @throws ParameterError */
export function greedy({ maxNewTokens = 512 }: GreedyOptions = {}): Greedy {
  return checked("greedy", GreedyParameters, { method: "greedy", maxNewTokens });
}

export const aboutGreedy: About = {
  axis: "search",
  name: "greedy",
  title: "Greedy search",
  source: "transformers' generate, token for token",
  formula: "the likeliest token at every step",
  parameters: { maxNewTokens: shared.maxNewTokens },
  defaults: greedy(),
  needsImage: false,
  combines: "Anything.",
};
