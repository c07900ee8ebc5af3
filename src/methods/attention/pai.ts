/**
 * PAI, "Paying More Attention to Image" (ECCV 2024): `x + alpha * |x|` on the attention logits x of image tokens, from
 * the first token on. Layers 2 to the last. Alpha as the paper gives it per model, 0.2 (the released code's) for others.
 */
import type { z } from "zod";
import { PaiParameters } from "../../protocol/parameters";
import { type About, editCombines, shared } from "../about";
import { checked } from "../refuse";
import type { MethodTarget } from "../target";

export interface PaiOptions {
  /** Strength; 0 changes nothing. Default: the paper's for the model family (LLaVA 0.5), 0.2 for others. */
  alpha?: number;
  /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
  layers?: readonly [number, number];
  /** Tokens generated before the first edit beyond it: -1 = from the first token; 0 = from the second, as released with paiCfg. Default -1. */
  warmup?: number;
  /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
  imageKeys?: readonly [number, number];
}

const Unresolved = PaiParameters.extend({
  alpha: PaiParameters.shape.alpha.nullable(),
  layers: PaiParameters.shape.layers.nullable(),
});

/** A PAI edit as plain data; what is null is known once a model is. */
export interface Pai {
  parameters: z.infer<typeof Unresolved>;
}

const PublishedAlpha: Record<string, number> = { llava: 0.5, shikra: 0.6, minigpt4: 0.2 };
const FirstLayer = 2;

/** @throws ParameterError */
export function pai({ alpha, layers, warmup = -1, imageKeys }: PaiOptions = {}): Pai {
  const value = {
    method: "pai",
    alpha: alpha ?? null,
    layers: layers ?? null,
    warmup,
    imageKeys: imageKeys ?? null,
  };
  return { parameters: checked("pai", Unresolved, value) };
}

/** Whether the edit changes nothing. */
export function isNeutralPai({ parameters }: Pai): boolean {
  return parameters.alpha === 0;
}

export function resolvePai({ parameters }: Pai, target: MethodTarget): z.infer<typeof PaiParameters> {
  const { alpha, layers } = parameters;
  return {
    ...parameters,
    alpha: alpha ?? PublishedAlpha[target.family] ?? 0.2,
    layers: layers ?? [Math.min(FirstLayer, target.layers - 1), target.layers],
  };
}

export const aboutPai: About = {
  axis: "attention",
  name: "pai",
  title: "Paying More Attention to Image",
  source: "ECCV 2024, LALBJ/PAI; alpha per model as in the paper",
  formula: "x <- x + alpha * |x| on image keys",
  parameters: {
    alpha: "strength; by default LLaVA 0.5, Shikra 0.6, MiniGPT-4 0.2, others 0.2",
    layers: `${shared.layers}; by default from layer 2 to the last`,
    warmup:
      "as aai's; -1 = from the first token, 0 = from the second, as the released code has it with paiCfg",
    imageKeys: shared.imageKeys,
  },
  defaults: pai().parameters,
  needsImage: true,
  combines: `${editCombines} With paiCfg it is the whole of PAI.`,
};
