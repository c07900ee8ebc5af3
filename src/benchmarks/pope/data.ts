import { join } from "node:path";
import { z } from "zod";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataSource } from "../benchmark";
import { popeDataFiles } from "./files";
import { likelihoodProbes } from "./likelihood";
import { readPopeFiles } from "./question_files";

export interface PopeQuestionsOptions {
  /** Folder of images; left out where answers of others are scored. */
  images?: string;
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
  const names = asked.map(({ question }) => question.image);
  if (images !== undefined) requireImages(images, names);
  return {
    benchmark: "pope",
    prompt: "{question}",
    items: asked.map(({ key, question }) => ({
      id: `${key} ${question.text}`,
      answerId: String(question.question_id),
      image: question.image,
      path: images === undefined ? undefined : join(images, question.image),
      question: question.text,
      fields: { question },
    })),
    probes: likelihood ? likelihoodProbes : [],
  };
}

export const questionSource: DataSource = {
  name: "pope",
  options: z.strictObject({
    images: z.string().optional().describe("Folder of images"),
    questions: z.array(z.string()).min(1).describe("Question files, one or more a split"),
    likelihood: z
      .boolean()
      .optional()
      .describe("Answer by which of yes and no is likelier at the first token"),
  }),
  files: popeDataFiles,
  items: popeQuestions,
};
