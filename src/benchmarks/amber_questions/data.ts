import { join } from "node:path";
import { requireImages } from "../../data/chosen_images";
import { type AmberDataOptions, amberDataOptions, amberImageFiles, LAST_DESCRIPTION } from "../amber/data";
import type { BenchmarkData, DataSource } from "../benchmark";
import { readAmberQuestions } from "./questions";

/** AMBER's yes/no questions. Their prompt is `{question}`. @throws DataError */
export function amberQuestionData({ images, annotations }: AmberDataOptions): BenchmarkData {
  const questions = readAmberQuestions(annotations);
  if (images !== undefined)
    requireImages(
      images,
      questions.map(({ image }) => image),
    );
  return {
    benchmark: "amber-questions",
    prompt: "{question}",
    items: questions.map((question) => ({
      id: `${question.id} ${question.query}`,
      answerId: String(question.id),
      image: question.image,
      path: images === undefined ? undefined : join(images, question.image),
      question: question.query,
      fields: { question },
    })),
    probes: [],
  };
}

export const amberQuestionSource: DataSource = {
  name: "amber-questions",
  options: amberDataOptions,
  files: [
    {
      option: "annotations",
      what: "annotations.json, query_discriminative.json (or parts of it, such as -relation): 14,216 questions",
      from: "https://github.com/junyangwang0410/AMBER, data and data/query",
      size: "3.6 MB",
      licence: "Apache-2.0",
    },
    amberImageFiles,
  ],
  items: amberQuestionData,
  recordId: ({ id }) => (Number(id) > LAST_DESCRIPTION ? String(id) : null),
};
