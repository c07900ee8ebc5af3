import { join } from "node:path";
import { z } from "zod";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataSource } from "../benchmark";
import { keyOf, pictureOf, readMme } from "./questions";

export interface MmeQuestionsOptions {
  /** Folder that has the tasks' folders of images; left out where answers of others are scored. */
  images?: string;
  /** The question file, of one or more tasks. */
  questions: string;
}

/** MME's questions, which end in "Please answer yes or no." themselves. @throws DataError */
export function mmeQuestions({ images, questions }: MmeQuestionsOptions): BenchmarkData {
  const asked = readMme(questions);
  if (images !== undefined)
    requireImages(
      images,
      asked.map(({ image }) => image),
    );
  return {
    benchmark: "mme",
    prompt: "{question}",
    items: asked.map((question) => ({
      id: `${keyOf(question)} ${question.text}`,
      answerId: keyOf(question),
      image: pictureOf(question),
      path: images === undefined ? undefined : join(images, question.image),
      question: question.text,
      fields: { question },
    })),
    probes: [],
  };
}

export const questionSource: DataSource = {
  name: "mme",
  options: z.strictObject({
    images: z.string().optional().describe("Folder that has the tasks' folders of images"),
    questions: z.string().describe("Question file, JSON lines of one or more tasks"),
  }),
  files: [
    {
      option: "questions",
      what: "hal.json: 240 questions, 60 each on existence, count, position and colour",
      from: "https://github.com/hukcc/SHIELD, experiments/data/MME",
      size: "41 kB",
      licence: "the repository's Apache-2.0; MME itself: research only, nothing passed on without approval",
    },
    {
      option: "images",
      what: "MME's folders existence, count, position and color: 120 images",
      from: "https://github.com/BradyFU/Awesome-Multimodal-Large-Language-Models/tree/Evaluation",
      size: "not stated",
      licence: "research only, nothing passed on without Xiamen University's approval",
    },
  ],
  items: mmeQuestions,
  recordId: ({ question_id, setting, image }) => {
    const task = setting ?? (typeof image === "string" ? image.split("/")[0] : undefined);
    return task === undefined ? undefined : `${task} ${question_id}`;
  },
};
