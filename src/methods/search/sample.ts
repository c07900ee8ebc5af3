/**
 * Tokens drawn from the softmax of the logits, warped as transformers' `generate` does and in its order:
 * repetition penalty, temperature, top-k, top-p, min-p. On the same device, one row alone is token-identical to
 * `generate(do_sample=True)` after `torch.manual_seed(seed)`.
 */
import type { z } from "zod";
import { SampleParameters } from "../../protocol/parameters";
import { type About, shared } from "../about";
import { checked } from "../refuse";

export interface SampleOptions {
  /** Longest answer in tokens. Default 512. */
  maxNewTokens?: number;
  /** Divides the logits. Default 1. */
  temperature?: number;
  /** Only the k likeliest tokens; 0: all. Default 0. */
  topK?: number;
  /** Only the likeliest tokens whose probabilities sum up to this. Default 1: all. */
  topP?: number;
  /** Only tokens at least this probable relative to the likeliest. Default 0: all. */
  minP?: number;
  /** Above 1: tokens of the prompt or the answer so far become less likely. Default 1. */
  repetitionPenalty?: number;
  /** Every row draws from a generator of its own with this seed, so rows do not depend on their batch. Default 0. */
  seed?: number;
}

export type Sampling = z.infer<typeof SampleParameters>;

/** @throws ParameterError */
export function sample(options: SampleOptions = {}): Sampling {
  const {
    maxNewTokens = 512,
    temperature = 1,
    topK = 0,
    topP = 1,
    minP = 0,
    repetitionPenalty = 1,
    seed = 0,
  } = options;
  const parameters = { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, seed };
  return checked("sample", SampleParameters, { method: "sample", ...parameters });
}

export const aboutSample: About = {
  axis: "search",
  name: "sample",
  title: "Sampling",
  source: "transformers' generate: its warpers in its order",
  formula: "drawn from the softmax after repetition penalty, temperature, top-k, top-p, min-p",
  parameters: {
    maxNewTokens: shared.maxNewTokens,
    temperature: "divides the logits",
    topK: "only the k likeliest; 0 = all",
    topP: "only the likeliest whose probabilities sum up to this",
    minP: "only tokens at least this probable relative to the likeliest",
    repetitionPenalty: "above 1: tokens already there become less likely",
    seed: "every row draws from a generator of its own with it",
  },
  defaults: sample(),
  needsImage: false,
  combines: "Anything. Published contrasts were measured under it: compare with apcOnly too.",
};
