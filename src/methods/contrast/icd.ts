/**
 * ICD, "Instruction Contrastive Decoding" (ACL Findings 2024): `(1 + alpha) * l - alpha * l(disturbed)`, the disturbance being a
 * text before the question, then the plausibility constraint. Alpha 1 as in all released scripts, whose LLaVA one puts the
 * disturbance in place of the system prompt; before the question is where SID's copy of ICD has it.
 */
import type { z } from "zod";
import { IcdParameters } from "../../protocol/parameters";
import { type About, shared, streamCombines } from "../about";
import { checkedContrast } from "./plausibility";

export interface IcdOptions {
  /** Weight of the contrast; 0 leaves the constraint alone. Default 1. */
  alpha?: number;
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
  /** Stands before the question of the second stream. Default: as in SID's copy of ICD. */
  disturbance?: string;
}

export type Icd = z.infer<typeof IcdParameters>;

const confused = "You are a confused object detector.";

/** @throws ParameterError */
export function icd({ alpha = 1, beta = 0.1, disturbance = confused }: IcdOptions = {}): Icd {
  return checkedContrast(IcdParameters, { method: "icd", alpha, beta, disturbance });
}

/** Whether it leaves the logits as they are. */
export function isNeutralIcd({ alpha, beta }: Icd): boolean {
  return alpha === 0 && beta === 0;
}

export const aboutIcd: About = {
  axis: "contrast",
  name: "icd",
  title: "Instruction Contrastive Decoding",
  source: "ACL Findings 2024, p1k0pan/ICD; the disturbance as in SID's copy",
  formula: "(1 + alpha) * l - alpha * l(disturbed instruction), then the plausibility constraint",
  parameters: {
    alpha: "weight of the contrast",
    beta: shared.beta,
    disturbance: "text before the question, before all where the prompt is raw",
  },
  defaults: icd(),
  needsImage: false,
  combines: streamCombines,
};
