import { attention } from "../describe/axes";
import { fromLayer } from "../describe/fallback";
import { choice, imageKeys, integer, layers, number } from "../describe/parameter";

/**
 * AAI, "Align Attention with Image" ("Visual Tokens Are Not Equal: Alleviating Hallucination in Multimodal Large Language
 * Models via Aligning attention", OpenReview 8lHWG9Isnc, withdrawn): while the decoder writes, its attention logits x on
 * image tokens become `alpha * |x| * r + beta * x`, r being the vision encoder's self-attention over its mean. Formula and
 * defaults are the released `llama_modify`'s; its published setting is alpha 0.3, beta 1, layers 2 to 32 of 32.
 */
export const aai = attention({
  name: "aai",
  title: "Align Attention with Image",
  source: '"Visual Tokens Are Not Equal" (OpenReview 8lHWG9Isnc, withdrawn) and its authors\' code',
  formula:
    "x <- alpha * |x| * r + beta * x on image keys, r the vision encoder's self-attention over its mean",
  takesReference: true,
  parameters: {
    /** Strength of the pull towards the reference; 0 with beta 1 changes nothing. Default 0.3. */
    alpha: number({ default: 0.3, meaning: "strength of the pull towards the reference" }),
    /** Factor on the original logits. Default 1. */
    beta: number({ default: 1, meaning: "factor on the original logits" }),
    /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
    layers: layers({ default: fromLayer(2) }),
    /** Tokens generated before the first edit beyond it: 5 = as released (acts on the 7th token and later), -1 = from the first token. Default 5. */
    warmup: integer({
      default: 5,
      min: -1,
      meaning: "edited once more than so many tokens are written; -1 = from the first",
    }),
    /** `released`: the reference exactly as the released code computes it; `corrected`: as it was meant. Default "released". */
    mode: choice(["released", "corrected"], {
      default: "released",
      meaning: "released = the reference as the authors compute it, corrected = as it was meant",
      flag: "reference-mode",
    }),
    /** `mean` = as released (reference over its mean), `clip` = that, no value above 4, `rank` = ranks only. Default "mean". */
    normalisation: choice(["mean", "clip", "rank"], { default: "mean", meaning: "of the reference" }),
    /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
    imageKeys: imageKeys(),
  },
  isNeutral: ({ alpha, beta }) => alpha === 0 && beta === 1,
});
