import { join } from "node:path";
import { z } from "zod";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataFile, DataSource } from "../benchmark";
import { readAmberImages } from "./images";

export interface AmberDataOptions {
  /** Folder of images; left out where answers of others are scored. */
  images?: string;
  /** Folder of AMBER's files. */
  annotations: string;
}

/** AMBER's files of answers hold both of its parts, told apart by their ids. */
export const LAST_DESCRIPTION = 1004;

/** The images that AMBER asks to describe. @throws DataError */
export function amberDescriptions({ images, annotations }: AmberDataOptions): BenchmarkData {
  const questions = readAmberImages(annotations);
  if (images !== undefined)
    requireImages(
      images,
      questions.map(({ image }) => image),
    );
  return {
    benchmark: "amber",
    prompt: "Describe this image.",
    items: questions.map(({ truth, hallu, ...question }) => ({
      id: String(question.id),
      image: question.image,
      path: images === undefined ? undefined : join(images, question.image),
      question: "",
      fields: { question },
      reference: { truth, hallu },
    })),
    probes: [],
  };
}

export const amberDataOptions = z.strictObject({
  images: z.string().optional().describe("Folder of images, AMBER_1.jpg to AMBER_1004.jpg"),
  annotations: z.string().describe("Folder of AMBER's files: annotations.json and the queries"),
});

export const amberImageFiles: DataFile = {
  option: "images",
  what: "the 1,004 images, AMBER_1.jpg to AMBER_1004.jpg",
  from: "https://github.com/junyangwang0410/AMBER: the Google Drive link in its README",
  size: "not stated",
  licence: "not stated",
};

export const descriptionSource: DataSource = {
  name: "amber",
  options: amberDataOptions,
  files: [
    {
      option: "annotations",
      what: "annotations.json, query_generative.json: 1,004 images to describe",
      from: "https://github.com/junyangwang0410/AMBER, data and data/query",
      size: "1.9 MB",
      licence: "Apache-2.0",
    },
    amberImageFiles,
  ],
  items: amberDescriptions,
  recordId: ({ id }) => (Number(id) <= LAST_DESCRIPTION ? String(id) : null),
};
