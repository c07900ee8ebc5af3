/**
 * PAI's logit part (ECCV 2024): `gamma * (lc - lu) + lu`, log-probabilities with and without the image, and the
 * plausibility constraint. Beside it the released code edits no attention in the first step: `pai({ warmup: 0 })`. Gamma 1.1 is the paper's for all models. Its authors recommend it for sampling.
 */
import type { z } from "zod";
import { PaiCfgParameters } from "../../protocol/parameters";
import { type About, shared, streamCombines } from "../about";
import { checkedContrast } from "./plausibility";

export interface PaiCfgOptions {
  /** 1 = plain decoding. Default 1.1. */
  gamma?: number;
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
}

export type PaiCfg = z.infer<typeof PaiCfgParameters>;

/** @throws ParameterError */
export function paiCfg({ gamma = 1.1, beta = 0.1 }: PaiCfgOptions = {}): PaiCfg {
  return checkedContrast(PaiCfgParameters, { method: "paiCfg", gamma, beta });
}

/** Whether it leaves the logits as they are. */
export function isNeutralPaiCfg({ gamma, beta }: PaiCfg): boolean {
  return gamma === 1 && beta === 0;
}

export const aboutPaiCfg: About = {
  axis: "contrast",
  name: "paiCfg",
  title: "PAI's guidance against the image-free answer",
  source: "ECCV 2024, LALBJ/PAI",
  formula: "gamma * (lc - lu) + lu, lc and lu with and without the image; plausibility",
  parameters: { gamma: "strength; 1 = plain decoding", beta: shared.beta },
  defaults: paiCfg(),
  needsImage: true,
  combines: `${streamCombines} Its authors recommend it for sampling.`,
};
