import { join } from "node:path";
import { z } from "zod";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataSource } from "../benchmark";
import { keyOf, readHallusionBench, setOf } from "./questions";

export interface HallusionBenchOptions {
  /** Folder that has the folders VD and VS of figures; left out where answers of others are scored. */
  images?: string;
  /** HallusionBench.json. */
  questions: string;
}

/** HallusionBench's questions, those without a figure among them. @throws DataError */
export function hallusionBenchQuestions({ images, questions }: HallusionBenchOptions): BenchmarkData {
  const asked = readHallusionBench(questions);
  if (images !== undefined)
    requireImages(
      images,
      asked.flatMap(({ filename }) => filename ?? []),
    );
  const pathOf = (filename: string) => (images === undefined ? undefined : join(images, filename));
  return {
    benchmark: "hallusionbench",
    prompt: "{question}",
    items: asked.map((question) => ({
      id: `${keyOf(question)} ${question.question}`,
      answerId: keyOf(question),
      image: setOf(question),
      path: question.filename === null ? null : pathOf(question.filename),
      question: question.question,
      fields: { question },
    })),
    probes: [],
  };
}

export const questionSource: DataSource = {
  name: "hallusionbench",
  options: z.strictObject({
    images: z.string().optional().describe("Folder that has the folders VD and VS of figures"),
    questions: z.string().describe("HallusionBench.json"),
  }),
  files: [
    {
      option: "questions",
      what: "HallusionBench.json: 1,129 questions",
      from: "https://github.com/tianyi-lab/HallusionBench",
      size: "0.4 MB",
      licence: "BSD-3-Clause",
    },
    {
      option: "images",
      what: "hallusion_bench.zip: 346 figures",
      from: "https://github.com/tianyi-lab/HallusionBench, a link in its README",
      size: "not stated",
      licence: "BSD-3-Clause (the repository's)",
    },
  ],
  items: hallusionBenchQuestions,
  recordId: (record) => {
    const ids = ["category", "subcategory", "set_id", "figure_id", "question_id"].map((key) => record[key]);
    return ids.includes(undefined) ? undefined : ids.join(" ");
  },
};
