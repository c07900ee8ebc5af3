import { contrast } from "../describe/axes";
import { number } from "../describe/parameter";
import { plausibility } from "./shared";

/**
 * PAI's logit part (ECCV 2024): `gamma * (lc - lu) + lu`, log-probabilities with and without the image, and the
 * plausibility constraint. Gamma 1.1 is the paper's for all models. Its authors recommend it for sampling. Beside it the
 * released code edits no attention in the first step: `pai({ warmup: 0 })`.
 */
export const paiCfg = contrast({
  name: "paiCfg",
  title: "PAI's guidance against the image-free answer",
  source: "ECCV 2024, LALBJ/PAI",
  formula: "gamma * (lc - lu) + lu, lc and lu with and without the image; plausibility",
  parameters: {
    /** 1 = plain decoding. Default 1.1. */
    gamma: number({ default: 1.1, meaning: "strength; 1 = plain decoding" }),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
  },
  combines: "Its authors recommend it for sampling.",
  isNeutral: ({ gamma, beta }) => gamma === 1 && beta === 0,
});
