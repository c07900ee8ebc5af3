/** Parameters that several contrasts have. */
import { number, share } from "../describe/parameter";

/** The adaptive plausibility constraint (APC): keep token v iff log p(v) >= log(beta) + max log p. */
export const plausibility = () =>
  share({
    default: 0.1,
    meaning: "plausibility: tokens below this share of the best one's probability are left out; 0 = none",
    flag: "cd-beta",
  });

export const weight = (options: { default: number; meaning?: string }) =>
  number({ meaning: "weight of the contrast", ...options, flag: "cd-alpha" });
