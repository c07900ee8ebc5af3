/**
 * SID, "Self-Introspective Decoding" (ICLR 2025): `(1 + alpha) * l - alpha * l(dim)`, the second stream seeing, from layer `layer`
 * on, only the `keep` image tokens it attends to least, chosen anew at every step; then the plausibility constraint. While
 * the prompt is read they are hidden from all its tokens, as in the released code.
 */
import type { z } from "zod";
import { SidParameters } from "../../protocol/parameters";
import { type About, shared, streamCombines } from "../about";
import { checkedContrast } from "./plausibility";

export interface SidOptions {
  /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
  alpha?: number;
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
  /** Image tokens that stay visible. Default 50, as for captions; the released code has 100 for POPE. */
  keep?: number;
  /** First layer with hidden tokens, counted from 0; the one before chooses them. Default 2. */
  layer?: number;
}

export type Sid = z.infer<typeof SidParameters>;

/** @throws ParameterError */
export function sid({ alpha = 1, beta = 0.1, keep = 50, layer = 2 }: SidOptions = {}): Sid {
  return checkedContrast(SidParameters, { method: "sid", alpha, beta, keep, layer });
}

/** Whether it leaves the logits as they are. */
export function isNeutralSid({ alpha, beta }: Sid): boolean {
  return alpha === 0 && beta === 0;
}

export const aboutSid: About = {
  axis: "contrast",
  name: "sid",
  title: "Self-Introspective Decoding",
  source: "ICLR 2025, huofushuo/SID, its attention-mask form",
  formula:
    "(1 + alpha) * l - alpha * l(only the least attended image tokens), then the plausibility constraint",
  parameters: {
    alpha: "weight of the contrast",
    beta: shared.beta,
    keep: "image tokens that stay visible: fewer than there are",
    layer: "first layer with hidden tokens, counted from 0; the one before chooses them",
  },
  defaults: sid(),
  needsImage: true,
  combines: streamCombines,
};
