/**
 * M3ID (CVPR 2024): contrast with the answer without the image, `lc + (1 - g) / g * (lc - lu)` with `g = exp(-decay * t)`
 * for token t. There is no official code; decay 0.02 as in AvisC, RITUAL and MoD (CRoPS: 0.01), t from 1 as in AvisC and MoD
 * (RITUAL: from 0).
 */
import type { z } from "zod";
import { M3idParameters } from "../../protocol/parameters";
import { type About, shared, streamCombines } from "../about";
import { checkedContrast } from "./plausibility";

export interface M3idOptions {
  /** How fast the contrast grows with the answer; 0 = none. Default 0.02. */
  decay?: number;
  /** t of the first token: 1, or 0, with which that token is not contrasted. Default 1. */
  firstStep?: number;
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
}

export type M3id = z.infer<typeof M3idParameters>;

/** @throws ParameterError */
export function m3id({ decay = 0.02, firstStep = 1, beta = 0.1 }: M3idOptions = {}): M3id {
  return checkedContrast(M3idParameters, { method: "m3id", decay, firstStep, beta });
}

/** Whether it leaves the logits as they are. */
export function isNeutralM3id({ decay, beta }: M3id): boolean {
  return decay === 0 && beta === 0;
}

export const aboutM3id: About = {
  axis: "contrast",
  name: "m3id",
  title: "Multi-Modal Mutual Information Decoding",
  source: "CVPR 2024; no official code, as in AvisC, RITUAL and MoD",
  formula:
    "lc + (1 - g) / g * (lc - lu), g = exp(-decay * t), lc and lu with and without the image; plausibility",
  parameters: {
    decay: "how fast the contrast grows with token number t",
    firstStep: "t of the first token: 1, or 0, which leaves that token as it is",
    beta: shared.beta,
  },
  defaults: m3id(),
  needsImage: true,
  combines: streamCombines,
};
