import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../base/data_error";
import { groups } from "../../base/groups";
import { requireImages } from "../../data/chosen_images";
import { imageIdOf, numericId } from "../../data/ids";
import type { BenchmarkData, DataSource } from "../benchmark";
import { popeDataFiles } from "../pope/files";
import { type PopeQuestion, readPopeFiles } from "../pope/question_files";

/** What is asked about an image, as its caption answers it. */
export interface AskedObject {
  /** Unique among the image's. */
  key: string;
  /** A class, such as "dining table". */
  object: string;
  label: "yes" | "no";
  split: string;
}

export interface OpopeCaptionsOptions {
  /** Folder of images; left out where captions of others are scored. */
  images?: string;
  /** POPE's question files. */
  questions: readonly string[];
}

/** Captions of the images that POPE asks about; its questions are answered from them. @throws DataError */
export function opopeCaptions({ images, questions }: OpopeCaptionsOptions): BenchmarkData {
  const asked = readPopeFiles(questions).questions;
  const perImage = groups(asked, ({ question }) => question.image);
  const names = perImage.map(([first]) => first!.question.image);
  if (images !== undefined) requireImages(images, names);
  return {
    benchmark: "opope",
    prompt: "Please describe this image in detail.",
    items: perImage.map((mine, i) => {
      const image = names[i]!;
      const id = imageIdOf(image);
      return {
        ...{ id, answerId: id, image, question: "" },
        path: images === undefined ? undefined : join(images, image),
        fields: { image_id: numericId(id) },
        reference: mine.map(({ key, question }) => askedObject(key, question)),
      };
    }),
    probes: [],
  };
}

export const opopeSource: DataSource = {
  name: "opope",
  options: z.strictObject({
    images: z.string().optional().describe("Folder of images"),
    questions: z.array(z.string()).min(1).describe("POPE's question files, one or more a split"),
  }),
  files: popeDataFiles,
  items: opopeCaptions,
};

function askedObject(key: string, { text, label, split }: PopeQuestion): AskedObject {
  const object = /^Is there an? (.+) in the image\?$/.exec(text)?.[1];
  if (object === undefined)
    throw new DataError(
      `The question ${JSON.stringify(text)} names no object; expected "Is there a … in the image?".`,
    );
  return { key, object, label, split };
}
