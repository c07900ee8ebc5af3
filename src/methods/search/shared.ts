/** Parameters that several searches have. */
import { integer, number } from "../describe/parameter";

export const maxNewTokens = () => integer({ default: 512, min: 1, meaning: "longest answer in tokens" });

export const numBeams = (options: { meaning: string }) =>
  integer({ default: 5, min: 1, ...options, flag: "beam" });

export const lengthPenalty = (options: { meaning: string }) => number({ default: 1, ...options });
