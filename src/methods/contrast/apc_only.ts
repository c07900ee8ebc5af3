/**
 * The plausibility constraint alone, without a contrast: the control that "The Mirage of Performance Gains" (arXiv
 * 2504.10020) asks for. Under greedy search it changes nothing; under sampling it explains much of what contrasts gain.
 */
import type { z } from "zod";
import { ApcOnlyParameters } from "../../protocol/parameters";
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
