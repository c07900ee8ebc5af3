/**
 * DeCo, "Dynamic Correction Decoding" (ICLR 2025): `l + alpha * m * l_early` for the likeliest tokens, the early exit being
 * that which gives any of them the highest probability m. Published for decoders with 32 layers.
 */
import type { z } from "zod";
import { DecoParameters } from "../../protocol/parameters";
import { type About, streamCombines } from "../about";
import { checked, ParameterError } from "../refuse";
import { type MethodTarget, publishedLayers } from "../target";

export interface DecoOptions {
  /** Strength of the correction; 0 leaves the choice of candidates alone. Default 0.6. */
  alpha?: number;
  /** Early exits as counts of layers, `[start, end)`. Default [20, 29), refused where the decoder has fewer. */
  layers?: readonly [number, number];
  /** Candidates are the likeliest tokens with this probability together. Default 0.9. */
  topP?: number;
  /** And at most so many. Default 20. */
  maxCandidates?: number;
}

const Unresolved = DecoParameters.extend({ layers: DecoParameters.shape.layers.nullable() });

/** `layers: null` stands for the published ones. */
export type Deco = z.infer<typeof Unresolved>;

/** @throws ParameterError */
export function deco({ alpha = 0.6, layers, topP = 0.9, maxCandidates = 20 }: DecoOptions = {}): Deco {
  if (!(topP > 0 && topP <= 1))
    throw new ParameterError(`deco: topP is ${topP}. It is a share, above 0, up to 1.`);
  const value = { method: "deco", alpha, layers: layers ?? null, topP, maxCandidates };
  return checked("deco", Unresolved, value);
}

/** @throws ParameterError where the published layers are not the model's. */
export function resolveDeco(parameters: Deco, target: MethodTarget): z.infer<typeof DecoParameters> {
  return { ...parameters, layers: parameters.layers ?? publishedLayers("deco", [20, 29], target) };
}

export const aboutDeco: About = {
  axis: "contrast",
  name: "deco",
  title: "Dynamic Correction Decoding",
  source: "ICLR 2025, zjunlp/Deco",
  formula: "l + alpha * m * l_early for candidates, m the highest probability that an early exit gives one",
  parameters: {
    alpha: "strength of the correction",
    layers: "early exits, [start, end); by default [20, 29), refused where the decoder has fewer",
    topP: "candidates: the likeliest tokens with this probability together",
    maxCandidates: "and at most so many",
  },
  defaults: deco(),
  needsImage: false,
  combines: `${streamCombines} Early exits are those of the edited pass.`,
};
