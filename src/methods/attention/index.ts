/** The attention axis: what may be done to pre-softmax logits over image keys. */
import { type Aai, type AaiOptions, aai } from "./aai";
import { type Hgai, type HgaiOptions, hgai } from "./hgai";
import { type Pai, type PaiOptions, pai } from "./pai";
import type { PluginEdit, PluginEditOptions } from "./plugin";
import { type Vaf, type VafOptions, vaf } from "./vaf";

/** No attention edit, not even by installed hooks. */
export const none = "none" as const;

/** Every edit by its name. */
export const attentions = { aai, pai, hgai, vaf };

export type AttentionMethod = Aai | Pai | Hgai | Vaf | PluginEdit;

/** One edit, several in order, or `none`. */
export type Attention = typeof none | AttentionMethod | readonly AttentionMethod[];

export {
  type Aai,
  type AaiOptions,
  aai,
  type Hgai,
  type HgaiOptions,
  hgai,
  type Pai,
  type PaiOptions,
  type PluginEdit,
  type PluginEditOptions,
  pai,
  type Vaf,
  type VafOptions,
  vaf,
};
