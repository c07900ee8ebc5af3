import { search } from "../describe/axes";
import { integer, ofCheckpoint, positive, positiveShare, share } from "../describe/parameter";
import { maxNewTokens } from "./shared";

/**
 * Tokens drawn from the softmax of the logits, warped as transformers' `generate` does and in its order:
 * repetition penalty, temperature, top-k, top-p, min-p. On the same device, one row alone is token-identical to
 * `generate(do_sample=True)` after `torch.manual_seed(seed)`.
 */
export const sample = search({
  name: "sample",
  title: "Sampling",
  source: "transformers' generate: its warpers in its order",
  formula: "drawn from the softmax after repetition penalty, temperature, top-k, top-p, min-p",
  parameters: {
    /** Longest answer in tokens. Default 512. */
    maxNewTokens: maxNewTokens(),
    /** Divides the logits. Default 1. */
    temperature: positive({ default: 1, meaning: "divides the logits" }),
    /** Only the k likeliest tokens; 0: all. Default 0. */
    topK: integer({ default: 0, min: 0, meaning: "only the k likeliest; 0 = all" }),
    /** Only the likeliest tokens whose probabilities sum up to this. Default 1: all. */
    topP: positiveShare({ default: 1, meaning: "only the likeliest whose probabilities sum up to this" }),
    /** Only tokens at least this probable relative to the likeliest. Default 0: all. */
    minP: share({ default: 0, meaning: "only tokens at least this probable relative to the likeliest" }),
    /** Above 1: tokens of the prompt or the answer so far become less likely. Default: as the checkpoint's generation_config.json says. */
    repetitionPenalty: ofCheckpoint(
      positive({ default: 1, meaning: "above 1: tokens already there become less likely" }),
    ),
    /** Every row draws from a generator of its own with this seed, so rows do not depend on their batch. Default 0. */
    seed: integer({
      default: 0,
      min: 0,
      meaning: "every row draws from a generator of its own with it",
      flag: "sample-seed",
    }),
  },
  combines: "Anything. Published contrasts were measured under it: compare with apcOnly too.",
});
