/**
 * Beam search: the `numBeams` likeliest continuations are followed side by side. Token-identical to transformers'
 * `generate(num_beams=…)`. No token is certain before the end, so a row's tokens arrive together then.
 */
import type { z } from "zod";
import { BeamParameters } from "../../protocol/parameters";
import { type About, shared } from "../about";
import { checked, ParameterError } from "../refuse";

export interface BeamOptions {
  /** Longest answer in tokens. Default 512. */
  maxNewTokens?: number;
  /** Default 5, as in the published comparisons; 1 is greedy search. */
  numBeams?: number;
  /** Ended beams compete with score / length ** lengthPenalty: above 0 favours long answers. Default 1. */
  lengthPenalty?: number;
  /** Stop as soon as `numBeams` beams have ended, though a running one might beat them. Default false. */
  earlyStopping?: boolean;
  /** Answers per row, at most `numBeams`: the best is the row's, the others are its `alternatives`. Default 1. */
  numReturn?: number;
}

export type Beam = z.infer<typeof BeamParameters>;

/** @throws ParameterError */
export function beam(options: BeamOptions = {}): Beam {
  const {
    maxNewTokens = 512,
    numBeams = 5,
    lengthPenalty = 1,
    earlyStopping = false,
    numReturn = 1,
  } = options;
  const parameters = checked("beam", BeamParameters, {
    method: "beam",
    maxNewTokens,
    numBeams,
    lengthPenalty,
    earlyStopping,
    numReturn,
  });
  if (numReturn > numBeams)
    throw new ParameterError(`beam: numReturn is ${numReturn}; there are only ${numBeams} beams.`);
  return parameters;
}

export const aboutBeam: About = {
  axis: "search",
  name: "beam",
  title: "Beam search",
  source: "transformers' generate, token for token",
  formula:
    "the numBeams likeliest continuations side by side; best sum of log p over length ** lengthPenalty",
  parameters: {
    maxNewTokens: shared.maxNewTokens,
    numBeams: "beams",
    lengthPenalty: "above 0 favours long answers",
    earlyStopping: "stop as soon as numBeams beams have ended",
    numReturn: "answers per row: the best, and so many less one alternatives",
  },
  defaults: beam(),
  needsImage: false,
  combines: "Any edit and contrast. Attention cannot be captured: beams fork and are dropped on the way.",
};
