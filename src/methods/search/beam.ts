import { search } from "../describe/axes";
import { boolean, integer } from "../describe/parameter";
import { lengthPenalty, maxNewTokens, numBeams } from "./shared";

/**
 * Beam search: the `numBeams` likeliest continuations are followed side by side. Token-identical to transformers'
 * `generate(num_beams=…)`. No token is certain before the end, so a row's tokens arrive together then.
 */
export const beam = search({
  name: "beam",
  title: "Beam search",
  source: "transformers' generate, token for token",
  formula:
    "the numBeams likeliest continuations side by side; best sum of log p over length ** lengthPenalty",
  parameters: {
    /** Longest answer in tokens. Default 512. */
    maxNewTokens: maxNewTokens(),
    /** Default 5, as in the published comparisons; 1 is greedy search. */
    numBeams: numBeams({ meaning: "beams" }),
    /** Ended beams compete with score / length ** lengthPenalty: above 0 favours long answers. Default 1. */
    lengthPenalty: lengthPenalty({ meaning: "above 0 favours long answers" }),
    /** Stop as soon as `numBeams` beams have ended, though a running one might beat them. Default false. */
    earlyStopping: boolean({ default: false, meaning: "stop as soon as numBeams beams have ended" }),
    /** Answers per row, at most `numBeams`: the best is the row's, the others are its `alternatives`. Default 1. */
    numReturn: integer({
      default: 1,
      min: 1,
      meaning: "answers per row: the best, and so many less one alternatives",
    }),
  },
  combines: "Any edit and contrast. Attention cannot be captured: beams fork and are dropped on the way.",
  check: ({ numBeams, numReturn }) =>
    numReturn > numBeams ? `numReturn is ${numReturn}; there are only ${numBeams} beams` : undefined,
});
