import { join } from "node:path";
import { z } from "zod";
import { chosenIds, type ImageChoice } from "../../data/chosen_images";
import { numericId } from "../../data/ids";
import { imageFolder } from "../../data/image_folder";
import type { BenchmarkData, DataSource } from "../benchmark";
import { cocoGroundTruth } from "./coco";
import type { GroundTruth } from "./ground_truth";
import { requireGroundTruth } from "./score";

export interface CocoCaptionsOptions {
  /** Folder of images. */
  images: string;
  /** Folder of COCO's annotation files. */
  annotations?: string;
  /** Instead: what is in the images. */
  groundTruth?: GroundTruth;
  /** A list of ids (file, or the name of one that ships such as "opera-500"), or so many chosen by seed. Default: 500, seed 927. */
  ids?: ImageChoice;
}

/** Captions of images; CHAIR needs what is in them, from annotations or by `groundTruth`. @throws DataError */
export function cocoCaptions(options: CocoCaptionsOptions): BenchmarkData {
  const { images, annotations, groundTruth, ids = { count: 500, seed: 927 } } = options;
  const { files } = imageFolder(images);
  const { ids: chosen } = chosenIds(ids, files);
  const objects =
    groundTruth ?? (annotations === undefined ? undefined : cocoGroundTruth(annotations).objects);
  if (objects !== undefined) requireGroundTruth(chosen, objects); // not after hours of captioning
  return {
    benchmark: "chair",
    prompt: "Please describe this image in detail.",
    items: chosen.map((id) => {
      const image = files.get(id)!;
      const item = {
        id,
        image,
        path: join(images, image),
        question: "",
        fields: { image_id: numericId(id) },
      };
      return objects === undefined ? item : { ...item, reference: objects[id]! };
    }),
    probes: [],
  };
}

export const captionSource: DataSource = {
  name: "captions",
  options: z.strictObject({
    images: z.string(),
    annotations: z.string().optional(),
    ids: z.union([z.string(), z.strictObject({ count: z.int().min(1), seed: z.int().min(0) })]).optional(),
  }),
  items: cocoCaptions,
};
