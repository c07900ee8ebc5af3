/** The attention axis: what may be done to pre-softmax logits over image keys. */
import { type Aai, type AaiOptions, aai } from "./aai";

/** No attention edit, not even by installed hooks. */
export const none = "none" as const;

export type AttentionMethod = Aai;

/** One edit, several in order, or `none`. */
export type Attention = typeof none | AttentionMethod | readonly AttentionMethod[];

export { type Aai, type AaiOptions, aai };
