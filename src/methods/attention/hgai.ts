/**
 * HGAI, "Devils in Middle Layers of Large Vision-Language Models" (CVPR 2025): `x + alpha * mean over heads of |x|` on the
 * attention logits x of image tokens, from the first token on. Published: alpha 0.5, layers 5 to 18 of 32, both included:
 * the released script adds one to the end of its `--guide-range 5,18`.
 */
import type { z } from "zod";
import { HgaiParameters } from "../../protocol/parameters";
import { type About, editCombines, shared } from "../about";
import { checked } from "../refuse";
import { type MethodTarget, publishedLayers } from "../target";

export interface HgaiOptions {
  /** Strength; 0 changes nothing. Default 0.5. */
  alpha?: number;
  /** Decoder layers edited, `[start, end)` counted from 0. Default [5, 19), refused where the decoder has fewer. */
  layers?: readonly [number, number];
  /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
  imageKeys?: readonly [number, number];
}

const Unresolved = HgaiParameters.extend({ layers: HgaiParameters.shape.layers.nullable() });

/** An HGAI edit as plain data; `layers: null` stands for the published ones. */
export interface Hgai {
  parameters: z.infer<typeof Unresolved>;
}

/** @throws ParameterError */
export function hgai({ alpha = 0.5, layers, imageKeys }: HgaiOptions = {}): Hgai {
  const value = { method: "hgai", alpha, layers: layers ?? null, imageKeys: imageKeys ?? null };
  return { parameters: checked("hgai", Unresolved, value) };
}

/** Whether the edit changes nothing. */
export function isNeutralHgai({ parameters }: Hgai): boolean {
  return parameters.alpha === 0;
}

/** @throws ParameterError where the published layers are not the model's. */
export function resolveHgai({ parameters }: Hgai, target: MethodTarget): z.infer<typeof HgaiParameters> {
  return { ...parameters, layers: parameters.layers ?? publishedLayers("hgai", [5, 19], target) };
}

export const aboutHgai: About = {
  axis: "attention",
  name: "hgai",
  title: "Devils in Middle Layers (heads guided attention intervention)",
  source: "CVPR 2025, ZhangqiJiang07/middle_layers_indicating_hallucinations",
  formula: "x <- x + alpha * mean over heads of |x| on image keys, from the first token on",
  parameters: {
    alpha: "strength",
    layers: `${shared.layers}; by default [5, 19), refused where the decoder has fewer`,
    imageKeys: shared.imageKeys,
  },
  defaults: hgai().parameters,
  needsImage: true,
  combines: editCombines,
};
