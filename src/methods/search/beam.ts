/**
 * Beam search: the `numBeams` likeliest continuations are followed side by side. Token-identical to transformers'
 * `generate(num_beams=…)`. No token is certain before the end, so a row's tokens arrive together then.
 */
import type { z } from "zod";
import { BeamParameters } from "../../protocol/parameters";
import { checked } from "../refuse";

export interface BeamOptions {
  /** Longest answer in tokens. Default 512. */
  maxNewTokens?: number;
  /** Default 5, as in the published comparisons; 1 is greedy search. */
  numBeams?: number;
  /** Ended beams compete with score / length ** lengthPenalty: above 0 favours long answers. Default 1. */
  lengthPenalty?: number;
  /** Stop as soon as `numBeams` beams have ended, though a running one might beat them. Default false. */
  earlyStopping?: boolean;
}

export type Beam = z.infer<typeof BeamParameters>;

/** @throws ParameterError */
export function beam(options: BeamOptions = {}): Beam {
  const { maxNewTokens = 512, numBeams = 5, lengthPenalty = 1, earlyStopping = false } = options;
  const parameters = { maxNewTokens, numBeams, lengthPenalty, earlyStopping };
  return checked("beam", BeamParameters, { method: "beam", ...parameters });
}
