import { contrast } from "../describe/axes";
import { integer } from "../describe/parameter";
import { plausibility, weight } from "./shared";

/**
 * SID, "Self-Introspective Decoding" (ICLR 2025): `(1 + alpha) * l - alpha * l(dim)`, the second stream seeing, from layer
 * `layer` on, only the `keep` image tokens it attends to least, chosen anew at every step; then the plausibility
 * constraint. While the prompt is read they are hidden from all its tokens, as in the released code.
 */
export const sid = contrast({
  name: "sid",
  title: "Self-Introspective Decoding",
  source: "ICLR 2025, huofushuo/SID, its attention-mask form",
  formula:
    "(1 + alpha) * l - alpha * l(only the least attended image tokens), then the plausibility constraint",
  parameters: {
    /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
    alpha: weight({ default: 1 }),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
    /** Image tokens that stay visible. Default 50, as for captions; the released code has 100 for POPE. */
    keep: integer({ default: 50, min: 1, meaning: "image tokens that stay visible: fewer than there are" }),
    /** First layer with hidden tokens, counted from 0; the one before chooses them. Default 2. */
    layer: integer({
      default: 2,
      min: 1,
      meaning: "first layer with hidden tokens, counted from 0; the one before chooses them",
      flag: "keep-layer",
    }),
  },
  isNeutral: ({ alpha, beta }) => alpha === 0 && beta === 0,
});
