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
    images: z.string().describe("Folder of images"),
    annotations: z.string().optional().describe("Folder of COCO's annotation files"),
    ids: z
      .union([z.string(), z.strictObject({ count: z.int().min(1), seed: z.int().min(0) })])
      .optional()
      .describe("Image ids: a file, a list that ships such as opera-500, or a seeded choice"),
  }),
  files: [
    {
      option: "images",
      what: "COCO's val2014: 40,504 images",
      from: "https://cocodataset.org/#download",
      size: "6.2 GB",
      licence: "each image its own, CC by its owner on Flickr",
    },
    {
      option: "annotations",
      what: "instances_val2014.json, instances_train2014.json, captions_val2014.json, captions_train2014.json",
      from: "https://cocodataset.org/#download (2014 Train/Val annotations)",
      size: "241 MB packed",
      licence: "CC BY 4.0",
    },
  ],
  items: cocoCaptions,
};
