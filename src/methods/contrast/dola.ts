/**
 * DoLa (ICLR 2024): `log p - log p_early`, the early exit being after that of `layers` layers which differs most. Made
 * for language models; "low" is transformers' advice for long answers.
 */
import { z } from "zod";
import { DolaParameters } from "../../protocol/parameters";
import { type About, streamCombines } from "../about";
import { checked, ParameterError } from "../refuse";
import type { MethodTarget } from "../target";

export interface DolaOptions {
  /** Early exits, as counts of layers (0 = the embedding): every second of the lower or the upper half, or a list. Default "low". */
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

/** Of a decoder with 32 layers: low 0, 2 … 14, high 16, 18 … 30. */
export function resolveDola(parameters: Dola, target: MethodTarget): z.infer<typeof DolaParameters> {
  const { layers } = parameters;
  if (Array.isArray(layers)) return { ...parameters, layers };
  const half = Math.floor(target.layers / 2);
  const all = Array.from({ length: target.layers }, (_, layer) => layer);
  const range = layers === "low" ? all.slice(0, half) : all.slice(half);
  return { ...parameters, layers: range.filter((_, place) => place % 2 === 0) };
}

export const aboutDola: About = {
  axis: "contrast",
  name: "dola",
  title: "Decoding by Contrasting Layers",
  source: "ICLR 2024, voidism/DoLa",
  formula: "log p - log p_early, of the early exit that differs most; implausible tokens out",
  parameters: {
    layers: "early exits: low or high, every second layer of a half, or a list of layer counts",
    relativeTop: "tokens below this share of the best one's probability are left out; 0 = none",
  },
  defaults: dola(),
  needsImage: false,
  combines: `${streamCombines} Early exits are those of the edited pass.`,
};
