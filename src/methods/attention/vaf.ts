/**
 * VAF, "ClearSight" (CVPR 2025): attention logits of image tokens times `enhance`, those of the system prompt times
 * `suppress`, from the first token on. Published: 1.15, 0.95, layers 9 to 14 of 32, both included.
 *
 * The released code has 35 system and 576 image positions built in; here the system prompt is what precedes the image.
 * It edits the queries of all prompt tokens behind the image, too, so that the question itself is read so.
 */
import type { z } from "zod";
import { VafParameters } from "../../protocol/parameters";
import { type About, editCombines, shared } from "../about";
import { checked } from "../refuse";
import { type MethodTarget, publishedLayers } from "../target";

export interface VafOptions {
  /** Factor on image tokens; 1 changes nothing. Default 1.15. */
  enhance?: number;
  /** Factor on all tokens before the image; 1 changes nothing. Default 0.95. */
  suppress?: number;
  /**
   * `behindImage`: of every prompt token behind the image, too, as released, at the cost of a prefill of its own;
   * `newest`: of each newest token alone. Default "behindImage".
   */
  queries?: "behindImage" | "newest";
  /** Decoder layers edited, `[start, end)` counted from 0. Default [9, 15), refused where the decoder has fewer. */
  layers?: readonly [number, number];
  /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
  imageKeys?: readonly [number, number];
}

const Unresolved = VafParameters.extend({ layers: VafParameters.shape.layers.nullable() });

/** A VAF edit as plain data; `layers: null` stands for the published ones. */
export interface Vaf {
  parameters: z.infer<typeof Unresolved>;
}

/** @throws ParameterError */
export function vaf({
  enhance = 1.15,
  suppress = 0.95,
  queries = "behindImage",
  layers,
  imageKeys,
}: VafOptions = {}): Vaf {
  const value = {
    method: "vaf",
    enhance,
    suppress,
    queries,
    layers: layers ?? null,
    imageKeys: imageKeys ?? null,
  };
  return { parameters: checked("vaf", Unresolved, value) };
}

/** Whether the edit changes nothing. */
export function isNeutralVaf({ parameters: { enhance, suppress } }: Vaf): boolean {
  return enhance === 1 && suppress === 1;
}

/** @throws ParameterError where the published layers are not the model's. */
export function resolveVaf({ parameters }: Vaf, target: MethodTarget): z.infer<typeof VafParameters> {
  return { ...parameters, layers: parameters.layers ?? publishedLayers("vaf", [9, 15], target) };
}

export const aboutVaf: About = {
  axis: "attention",
  name: "vaf",
  title: "Visual Amplification Fusion (ClearSight)",
  source: "CVPR 2025, ustc-hyin/ClearSight",
  formula:
    "x <- enhance * x on image keys, x <- suppress * x on keys before the image, from the first token on",
  parameters: {
    enhance: "factor on image tokens",
    suppress: "factor on the tokens before the image",
    queries:
      "edited: behindImage = of every prompt token behind the image, too; newest = of each newest token alone",
    layers: `${shared.layers}; by default [9, 15), refused where the decoder has fewer`,
    imageKeys: shared.imageKeys,
  },
  defaults: vaf().parameters,
  needsImage: true,
  combines: editCombines,
};
