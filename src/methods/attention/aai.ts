/**
 * AAI, "Align Attention with Image" ("Visual Tokens Are Not Equal: Alleviating Hallucination in Multimodal Large Language
 * Models via Aligning attention", OpenReview 8lHWG9Isnc, withdrawn): while the decoder writes, its attention logits x on image tokens become
 * `alpha * |x| * r + beta * x`, r being the vision encoder's self-attention over its mean.
 * Formula and defaults: the seed's `llama_modify`; its published setting is alpha 0.3, beta 1, layers 2 to 32 of 32.
 */
import type { z } from "zod";
import { AaiParameters } from "../../protocol/parameters";
import { type About, editCombines, shared } from "../about";
import { checked } from "../refuse";

export interface AaiOptions {
  /** Strength of the pull towards the reference; 0 with beta 1 changes nothing. Default 0.3. */
  alpha?: number;
  /** Factor on the original logits. Default 1. */
  beta?: number;
  /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
  layers?: readonly [number, number];
  /** Tokens generated before the first edit beyond it: 5 = seed (acts on the 7th token and later), -1 = from the first token. Default 5. */
  warmup?: number;
  /** `seed`: the reference exactly as the seed computes it; `corrected`: as it was meant. Default "seed". */
  mode?: "seed" | "corrected";
  /** `mean` = seed (reference over its mean), `clip` = that, no value above 4, `rank` = ranks only. Default "mean". */
  normalisation?: "mean" | "clip" | "rank";
  /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
  imageKeys?: readonly [number, number];
  /** A reference of one's own, one value per image token, instead of the image's. */
  reference?: Float32Array;
}

/** An AAI edit as plain data; `layers: null` stands for "from layer 2 to the last", known once a model is. */
export interface Aai {
  parameters: Omit<z.infer<typeof AaiParameters>, "layers"> & { layers: [number, number] | null };
  reference: Float32Array | undefined;
}

const FirstLayer = 2;

/** @throws ParameterError */
export function aai(options: AaiOptions = {}): Aai {
  const {
    alpha = 0.3,
    beta = 1,
    layers,
    warmup = 5,
    mode = "seed",
    normalisation = "mean",
    imageKeys,
    reference,
  } = options;
  const { layers: range, ...rest } = checked(
    "aai",
    AaiParameters.extend({ layers: AaiParameters.shape.layers.nullable() }),
    {
      method: "aai",
      alpha,
      beta,
      layers: layers ?? null,
      warmup,
      mode,
      normalisation,
      imageKeys: imageKeys ?? null,
    },
  );
  return { parameters: { ...rest, layers: range }, reference };
}

/** Whether the edit changes nothing. */
export function isNeutralAai({ parameters: { alpha, beta } }: Aai): boolean {
  return alpha === 0 && beta === 1;
}

/** Fills in what depends on the model. */
export function resolveAai({ parameters }: Aai, decoderLayers: number): z.infer<typeof AaiParameters> {
  const { layers } = parameters;
  return { ...parameters, layers: layers ?? [Math.min(FirstLayer, decoderLayers - 1), decoderLayers] };
}

export const aboutAai: About = {
  axis: "attention",
  name: "aai",
  title: "Align Attention with Image",
  source: '"Visual Tokens Are Not Equal" (OpenReview 8lHWG9Isnc, withdrawn) and its authors\' code',
  formula:
    "x <- alpha * |x| * r + beta * x on image keys, r the vision encoder's self-attention over its mean",
  parameters: {
    alpha: "strength of the pull towards the reference",
    beta: "factor on the original logits",
    layers: `${shared.layers}; by default from layer 2 to the last`,
    warmup: "edited once more than so many tokens are written; -1 = from the first",
    mode: "seed = the reference as the authors compute it, corrected = as it was meant",
    normalisation: "of the reference: mean, clip or rank",
    imageKeys: shared.imageKeys,
  },
  defaults: aai().parameters,
  needsImage: true,
  combines: editCombines,
};
