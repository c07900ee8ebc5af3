import { join } from "node:path";
import { z } from "zod";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataSource } from "../benchmark";
import { likelihoodProbes } from "./likelihood";
import { readPopeFiles } from "./question_files";

export interface PopeQuestionsOptions {
  /** Folder of images. */
  images: string;
  /** Question files, one or more a split. */
  questions: readonly string[];
  /** Answer by which of yes and no is likelier at the first token. Default false. */
  likelihood?: boolean;
}

/** POPE's questions. Their prompt is `{question}`, so a suffix is `prompt: "{question} Please answer with one word."`. @throws DataError */
export function popeQuestions({
  images,
  questions,
  likelihood = false,
}: PopeQuestionsOptions): BenchmarkData {
  const { questions: asked } = readPopeFiles(questions);
  requireImages(
    images,
    asked.map(({ question }) => question.image),
  );
  return {
    benchmark: "pope",
    prompt: "{question}",
    items: asked.map(({ key, question }) => ({
      id: `${key} ${question.text}`,
      image: question.image,
      path: join(images, question.image),
      question: question.text,
      fields: { question },
    })),
    probes: likelihood ? likelihoodProbes : [],
  };
}

export const questionSource: DataSource = {
  name: "pope",
  options: z.strictObject({
    images: z.string(),
    questions: z.array(z.string()).min(1),
    likelihood: z.boolean().optional(),
  }),
  items: popeQuestions,
};
