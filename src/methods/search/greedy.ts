import { search } from "../describe/axes";
import { maxNewTokens } from "./shared";

/** The likeliest token at every step. */
export const greedy = search({
  name: "greedy",
  title: "Greedy search",
  source: "transformers' generate, token for token",
  formula: "the likeliest token at every step",
  parameters: {
    /** Longest answer in tokens. Default 512, as in the authors' CHAIR runs. */
    maxNewTokens: maxNewTokens(),
  },
  combines: "Anything.",
});
