import type { z } from "zod";
import { toFloat32 } from "../arrays/float16";
import type { NdArray } from "../arrays/nd_array";
import type { VisionReference as WireReference } from "../protocol/messages";

/** The vision encoder's self-attention over one image, reduced to one value a patch. */
export interface VisionReference extends z.infer<typeof WireReference> {
  /** One value per image token of the decoder, in the decoder's order. */
  values: Float32Array;
  /** The same reduction on the encoder's own grid: axes row, column. */
  grid: NdArray;
  /** The image as the model saw it, resized and cropped: uint8, axes row, column, channel. */
  picture: NdArray;
}

export function visionReference(summary: z.infer<typeof WireReference>, arrays: NdArray[]): VisionReference {
  const named = (name: string) => {
    const array = arrays.find((candidate) => candidate.name === name);
    if (array === undefined) throw new Error(`The worker sent no array named "${name}".`);
    return array;
  };
  return { ...summary, values: toFloat32(named("tokens")), grid: named("grid"), picture: named("picture") };
}
