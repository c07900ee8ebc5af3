/**
 * The plausibility constraint alone, without a contrast: the control that "The Mirage of Performance Gains" (arXiv
 * 2504.10020) asks for. Under greedy search it changes nothing; under sampling it explains much of what contrasts gain.
 */
import type { z } from "zod";
import { ApcOnlyParameters } from "../../protocol/parameters";
import { type About, shared } from "../about";
import { checkedContrast } from "./plausibility";

export interface ApcOnlyOptions {
  /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
  beta?: number;
}

export type ApcOnly = z.infer<typeof ApcOnlyParameters>;

/** @throws ParameterError */
export function apcOnly({ beta = 0.1 }: ApcOnlyOptions = {}): ApcOnly {
  return checkedContrast(ApcOnlyParameters, { method: "apcOnly", beta });
}

/** Whether it leaves the logits as they are. */
export function isNeutralApcOnly({ beta }: ApcOnly): boolean {
  return beta === 0;
}

export const aboutApcOnly: About = {
  axis: "contrast",
  name: "apcOnly",
  title: "Plausibility constraint alone (the control for all contrasts that use it)",
  source: "the control asked for in arXiv 2504.10020",
  formula: "log p >= log(beta) + max log p, all other tokens out",
  parameters: { beta: shared.beta },
  defaults: apcOnly(),
  needsImage: false,
  combines: "Anything; it shows under sampling, and cannot change greedy search.",
};
