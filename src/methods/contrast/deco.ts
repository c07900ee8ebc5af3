import { contrast } from "../describe/axes";
import { published } from "../describe/fallback";
import { integer, layers, number, positiveShare } from "../describe/parameter";

/**
 * DeCo, "Dynamic Correction Decoding" (ICLR 2025): candidates are the likeliest tokens; `l + alpha * m * l_early`, the early
 * exit being that which gives any candidate the highest probability m. Published: alpha 0.6, exits 20 to 28 of 32.
 */
export const deco = contrast({
  name: "deco",
  title: "Dynamic Correction Decoding",
  source: "ICLR 2025, zjunlp/Deco",
  formula: "l + alpha * m * l_early for candidates, m the highest probability that an early exit gives one",
  parameters: {
    /** Strength of the correction; 0 leaves the choice of candidates alone. Default 0.6. */
    alpha: number({ default: 0.6, meaning: "strength of the correction", flag: "cd-alpha" }),
    /** Early exits, as counts of layers, `[start, end)`. Default [20, 29), refused where the decoder has fewer. */
    layers: layers({
      default: published([20, 29]),
      meaning: "early exits, [start, end)",
      flag: "early-layers",
    }),
    /** Candidates: the likeliest tokens that have this probability together. Default 0.9. */
    topP: positiveShare({
      default: 0.9,
      meaning: "candidates: the likeliest tokens with this probability together",
      flag: "cd-top-p",
    }),
    /** And at most so many. Default 20. */
    maxCandidates: integer({ default: 20, min: 1, meaning: "and at most so many" }),
  },
  needsImage: false,
  combines: "Early exits are those of the edited pass.",
});
