import { contrast } from "../describe/axes";
import { integer, number } from "../describe/parameter";
import { plausibility } from "./shared";

/**
 * M3ID (CVPR 2024): contrast with the answer without the image, `lc + (1 - g) / g * (lc - lu)` with `g = exp(-decay * t)`
 * for token t. There is no official code; decay 0.02 as in AvisC, RITUAL and MoD (CRoPS: 0.01), t from 1 as in AvisC and MoD
 * (RITUAL: from 0).
 */
export const m3id = contrast({
  name: "m3id",
  title: "Multi-Modal Mutual Information Decoding",
  source: "CVPR 2024; no official code, as in AvisC, RITUAL and MoD",
  formula:
    "lc + (1 - g) / g * (lc - lu), g = exp(-decay * t), lc and lu with and without the image; plausibility",
  parameters: {
    /** How fast the contrast grows with the answer; 0 = none. Default 0.02. */
    decay: number({ default: 0.02, meaning: "how fast the contrast grows with token number t" }),
    /** t of the first token: 1, or 0, with which that token is not contrasted. Default 1. */
    firstStep: integer({
      default: 1,
      min: 0,
      max: 1,
      meaning: "t of the first token: 1, or 0, which leaves that token as it is",
    }),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
  },
  isNeutral: ({ decay, beta }) => decay === 0 && beta === 0,
});
