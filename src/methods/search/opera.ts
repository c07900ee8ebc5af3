/**
 * OPERA (Huang et al., CVPR 2024): beam search in which tokens that all later ones lean on are penalised, and
 * which goes back and chooses anew when that persists. Algorithm of the released code (`opera_beam_search`);
 * defaults of its published commands.
 */
import type { z } from "zod";
import { OperaParameters } from "../../protocol/parameters";
import { type About, shared } from "../about";
import { checked, ParameterError } from "../refuse";

export interface OperaOptions {
  /** Longest answer in tokens; "faithful" takes at most 512. Default 512. */
  maxNewTokens?: number;
  /** At least 2. Default 5. */
  numBeams?: number;
  /** As in `beam`, but on prompt and answer together. Default 1. */
  lengthPenalty?: number;
  /** sigma: attention weights are multiplied by it before their products are taken. Default 50. */
  scaleFactor?: number;
  /** Goes back when every beam has found the same anchor more often than this; at least 2. Default 15. */
  threshold?: number;
  /** Tokens tried per beam and step, and most returns to one position; at least `numBeams`. Default 5, or `numBeams`. */
  numAttnCandidates?: number;
  /** alpha: factor on the penalty. Default 1. */
  penaltyWeights?: number;
  /** `faithful`: the released code with its faults; `clean`: these mended. Default "faithful". */
  mode?: "faithful" | "clean";
}

export type Opera = z.infer<typeof OperaParameters>;

/** @throws ParameterError */
export function opera(options: OperaOptions = {}): Opera {
  const {
    maxNewTokens = 512,
    numBeams = 5,
    lengthPenalty = 1,
    scaleFactor = 50,
    threshold = 15,
    numAttnCandidates = Math.max(5, numBeams),
    penaltyWeights = 1,
    mode = "faithful",
  } = options;
  const parameters = checked("opera", OperaParameters, {
    method: "opera",
    maxNewTokens,
    numBeams,
    lengthPenalty,
    scaleFactor,
    threshold,
    numAttnCandidates,
    penaltyWeights,
    mode,
  });
  if (numBeams < 2) throw new ParameterError(`opera: numBeams is ${numBeams}. OPERA needs 2 or more.`);
  if (numAttnCandidates < numBeams)
    throw new ParameterError(
      `opera: numAttnCandidates is ${numAttnCandidates}, below numBeams (${numBeams}): beams would go on with arbitrary tokens.`,
    );
  if (threshold < 2)
    throw new ParameterError(
      `opera: threshold is ${threshold}. It must be 2 or more to go back to something.`,
    );
  if (mode === "faithful" && maxNewTokens > 512)
    throw new ParameterError(
      `opera: maxNewTokens is ${maxNewTokens}. The released code ends at 512; mode "clean" does not.`,
    );
  return parameters;
}

export const aboutOpera: About = {
  axis: "search",
  name: "opera",
  title: "Over-trust penalty and retrospection-allocation",
  source: "CVPR 2024, shikiw/OPERA; defaults of its published commands",
  formula:
    "beam search on z - penaltyWeights * max over columns of prod(scaleFactor * attention); back to the anchor when it persists",
  parameters: {
    maxNewTokens: shared.maxNewTokens,
    numBeams: "beams, 2 or more",
    lengthPenalty: "above 0 favours long answers; counts the prompt too",
    scaleFactor: "attention weights are multiplied by it before their products are taken",
    threshold: "goes back when every beam has found one anchor more often than this",
    numAttnCandidates: "tokens tried per beam and step, and most returns to one position",
    penaltyWeights: "factor on the penalty",
    mode: "faithful = the released code with its faults, clean = these mended",
  },
  defaults: opera(),
  needsImage: false,
  combines:
    "Any edit (the penalty reads edited attention) and any contrast (both streams go back). Attention cannot be captured.",
};
