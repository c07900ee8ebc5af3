import { contrast } from "../describe/axes";
import { text } from "../describe/parameter";
import { plausibility, weight } from "./shared";

/**
 * ICD, "Instruction Contrastive Decoding" (ACL Findings 2024): `(1 + alpha) * l - alpha * l(disturbed)`, the disturbance being a
 * text before the question, then the plausibility constraint. Alpha 1 as in all released scripts, whose LLaVA one puts the
 * disturbance in place of the system prompt; before the question is where SID's copy of ICD has it.
 */
export const icd = contrast({
  name: "icd",
  title: "Instruction Contrastive Decoding",
  source: "ACL Findings 2024, p1k0pan/ICD; the disturbance as in SID's copy",
  formula: "(1 + alpha) * l - alpha * l(disturbed instruction), then the plausibility constraint",
  parameters: {
    /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
    alpha: weight({ default: 1 }),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
    /** Stands before the question of the second stream. Default: as in SID's copy of ICD. */
    disturbance: text({
      default: "You are a confused object detector.",
      meaning: "text before the question, before all where the prompt is raw",
    }),
  },
  needsImage: false,
  isNeutral: ({ alpha, beta }) => alpha === 0 && beta === 0,
});
