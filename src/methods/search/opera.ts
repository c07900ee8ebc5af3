import { search } from "../describe/axes";
import { choice, integer, number, positive } from "../describe/parameter";
import { lengthPenalty, maxNewTokens, numBeams } from "./shared";

/**
 * OPERA (Huang et al., CVPR 2024): beam search in which tokens that all later ones lean on are penalised, and
 * which goes back and chooses anew when that persists. Algorithm of the released code (`opera_beam_search`);
 * defaults of its published commands.
 */
export const opera = search({
  name: "opera",
  title: "Over-trust penalty and retrospection-allocation",
  source: "CVPR 2024, shikiw/OPERA; defaults of its published commands",
  formula:
    "beam search on z - penaltyWeights * max over columns of prod(scaleFactor * attention); back to the anchor when it persists",
  parameters: {
    /** Longest answer in tokens; "faithful" takes at most 512. Default 512. */
    maxNewTokens: maxNewTokens(),
    /** At least 2. Default 5. */
    numBeams: numBeams({ meaning: "beams, 2 or more" }),
    /** As in `beam`, but on prompt and answer together. Default 1. */
    lengthPenalty: lengthPenalty({ meaning: "above 0 favours long answers; counts the prompt too" }),
    /** sigma: attention weights are multiplied by it before their products are taken. Default 50. */
    scaleFactor: positive({
      default: 50,
      meaning: "attention weights are multiplied by it before their products are taken",
    }),
    /** Goes back when every beam has found the same anchor more often than this; at least 2. Default 15. */
    threshold: integer({
      default: 15,
      min: 2,
      meaning: "goes back when every beam has found one anchor more often than this",
    }),
    /** Tokens tried per beam and step, and most returns to one position; at least `numBeams`. Default 5, or `numBeams`. */
    numAttnCandidates: integer({
      default: {
        follow: ({ numBeams }) => Math.max(5, Number(numBeams) || 0),
        shown: "5, or numBeams",
      },
      min: 1,
      meaning: "tokens tried per beam and step, and most returns to one position",
    }),
    /** alpha: factor on the penalty. Default 1. */
    penaltyWeights: number({ default: 1, meaning: "factor on the penalty" }),
    /** `faithful`: the released code with its faults; `clean`: these mended. Default "faithful". */
    mode: choice(["faithful", "clean"], {
      default: "faithful",
      meaning: "faithful = the released code with its faults, clean = these mended",
      flag: "opera-mode",
    }),
  },
  combines:
    "Any edit (the penalty reads edited attention) and any contrast (both streams go back). Attention cannot be captured.",
  check: ({ numBeams, numAttnCandidates, mode, maxNewTokens }) => {
    if (numBeams < 2) return `numBeams is ${numBeams}. OPERA needs 2 or more`;
    if (numAttnCandidates < numBeams)
      return `numAttnCandidates is ${numAttnCandidates}, below numBeams (${numBeams}): beams would go on with arbitrary tokens`;
    if (mode === "faithful" && maxNewTokens > 512)
      return `maxNewTokens is ${maxNewTokens}. The released code ends at 512; mode "clean" does not`;
    return undefined;
  },
});
