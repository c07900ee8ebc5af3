/**
 * VCD, "Visual Contrastive Decoding" (CVPR 2024): `(1 + alpha) * l(image) - alpha * l(noisy image)`, then the plausibility
 * constraint. Defaults: the released evaluation script's. The released code samples; here any search does, greedy too.
 */
import type { z } from "zod";
import { VcdParameters } from "../../protocol/parameters";
import { type About, shared, streamCombines } from "../about";
import { ParameterError } from "../refuse";
import { checkedContrast } from "./plausibility";

export interface VcdOptions {
  /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
  alpha?: number;
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
  /** Step 0 to 999 of the noise schedule. Default 500. */
  noiseStep?: number;
  /** Of the noise. Default 42. */
  seed?: number;
}

export type Vcd = z.infer<typeof VcdParameters>;

/** @throws ParameterError */
export function vcd({ alpha = 1, beta = 0.1, noiseStep = 500, seed = 42 }: VcdOptions = {}): Vcd {
  const parameters = checkedContrast(VcdParameters, { method: "vcd", alpha, beta, noiseStep, seed });
  if (noiseStep > 999) throw new ParameterError(`vcd: noiseStep is ${noiseStep}. It may be 999 at most.`);
  return parameters;
}

/** Whether it leaves the logits as they are. */
export function isNeutralVcd({ alpha, beta }: Vcd): boolean {
  return alpha === 0 && beta === 0;
}

export const aboutVcd: About = {
  axis: "contrast",
  name: "vcd",
  title: "Visual Contrastive Decoding",
  source: "CVPR 2024, DAMO-NLP-SG/VCD, its evaluation script",
  formula: "(1 + alpha) * l(image) - alpha * l(noisy image), then the plausibility constraint",
  parameters: {
    alpha: "weight of the contrast",
    beta: shared.beta,
    noiseStep: "how noisy: step 0 to 999 of a diffusion schedule",
    seed: "of the noise",
  },
  defaults: vcd(),
  needsImage: true,
  combines: streamCombines,
};
