/**
 * DoLa (ICLR 2024): `log p - log p_early`, the early exit being after that of `layers` layers which differs most. Made
 * for language models; "low" is transformers' advice for long answers. The released scripts go with a repetition penalty of
 * 1.2: `sample({ topK: 1, repetitionPenalty: 1.2 })`.
 */
import { z } from "zod";
import { DolaParameters } from "../../protocol/parameters";
import { type About, streamCombines } from "../about";
import { checked, ParameterError } from "../refuse";
import type { MethodTarget } from "../target";

export interface DolaOptions {
  /** Early exits, as counts of layers (0 = the embedding): every second of the first or the last ones, or a list. Default "low". */
  layers?: "low" | "high" | readonly number[];
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  relativeTop?: number;
}

const Unresolved = DolaParameters.extend({
  layers: z.union([z.enum(["low", "high"]), DolaParameters.shape.layers]),
});

/** "low" and "high" are known once a model is. */
export type Dola = z.infer<typeof Unresolved>;

/** @throws ParameterError */
export function dola({ layers = "low", relativeTop = 0.1 }: DolaOptions = {}): Dola {
  if (!(relativeTop >= 0 && relativeTop <= 1))
    throw new ParameterError(`dola: relativeTop is ${relativeTop}. It is a share, 0 to 1 (0 = off).`);
  return checked("dola", Unresolved, { method: "dola", layers, relativeTop });
}

/**
 * Every second one of the first or the last half of the layers, of 20 at most: transformers' rule, which gives the sets that
 * the authors name. Of 32 layers low is 0, 2 … 14 and high 16 … 30; of 40 low 0 … 18 and high 20 … 38; of 60 and 80 low is
 * 0 … 18, high 40 … 58 and 60 … 78. (transformers begins "low" with 2 where embeddings are tied; the authors do not.)
 */
export function resolveDola(parameters: Dola, target: MethodTarget): z.infer<typeof DolaParameters> {
  const { layers } = parameters;
  if (Array.isArray(layers)) return { ...parameters, layers };
  const half = Math.floor(target.layers / 2);
  const [start, end] =
    layers === "low" ? [0, Math.min(half, 20)] : [Math.max(half, target.layers - 20), target.layers];
  const exits = Array.from({ length: Math.ceil((end - start) / 2) }, (_, place) => start + 2 * place);
  return { ...parameters, layers: exits };
}

export const aboutDola: About = {
  axis: "contrast",
  name: "dola",
  title: "Decoding by Contrasting Layers",
  source: "ICLR 2024, voidism/DoLa",
  formula: "log p - log p_early, of the early exit that differs most; implausible tokens out",
  parameters: {
    layers: "early exits: low or high, every second of the first or the last layers, or a list of counts",
    relativeTop: "tokens below this share of the best one's probability are left out; 0 = none",
  },
  defaults: dola(),
  needsImage: false,
  combines: `${streamCombines} Early exits are those of the edited pass.`,
};
