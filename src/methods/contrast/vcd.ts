import { contrast } from "../describe/axes";
import { integer } from "../describe/parameter";
import { plausibility, weight } from "./shared";

/**
 * VCD, "Visual Contrastive Decoding" (CVPR 2024): `(1 + alpha) * l(image) - alpha * l(noisy image)`, then the plausibility
 * constraint. Defaults: the released evaluation script's. The released code samples; here any search does, greedy too.
 */
export const vcd = contrast({
  name: "vcd",
  title: "Visual Contrastive Decoding",
  source: "CVPR 2024, DAMO-NLP-SG/VCD, its evaluation script",
  formula: "(1 + alpha) * l(image) - alpha * l(noisy image), then the plausibility constraint",
  parameters: {
    /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
    alpha: weight({ default: 1 }),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
    /** Step 0 to 999 of the noise schedule. Default 500. */
    noiseStep: integer({
      default: 500,
      min: 0,
      max: 999,
      meaning: "how noisy: step 0 to 999 of a diffusion schedule",
    }),
    /** The seed of the noise. Default 42. */
    seed: integer({ default: 42, min: 0, meaning: "of the noise", flag: "noise-seed" }),
  },
  isNeutral: ({ alpha, beta }) => alpha === 0 && beta === 0,
});
