import { contrast } from "../describe/axes";
import { plausibility } from "./shared";

/**
 * The adaptive plausibility constraint alone: tokens below `beta` times the best one's probability are left out. It is the
 * control for every contrast that uses it: much of what these gain under sampling is its doing (arXiv 2504.10020).
 */
export const apcOnly = contrast({
  name: "apcOnly",
  title: "Plausibility constraint alone (the control for all contrasts that use it)",
  source: "the control asked for in arXiv 2504.10020",
  formula: "log p >= log(beta) + max log p, all other tokens out",
  parameters: {
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    beta: plausibility(),
  },
  needsImage: false,
  combines: "It shows under sampling, and cannot change greedy search.",
  isNeutral: ({ beta }) => beta === 0,
});
