import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../base/data_error";
import { requireImages } from "../../data/chosen_images";
import type { BenchmarkData, DataSource } from "../benchmark";
import { popeDataFiles } from "../pope/files";
import { type PopeQuestion, readPopeFiles } from "../pope/question_files";

export interface RepopeQuestionsOptions {
  /** Folder of images; left out where answers of others are scored. */
  images?: string;
  /** POPE's question files. */
  questions: readonly string[];
  /** RePOPE's label files, one a question file, in the same order. */
  labels: readonly string[];
}

/** POPE's questions, each with the label that RePOPE gives it, or "unclear" where it leaves the question out. @throws DataError */
export function repopeQuestions({ images, questions, labels }: RepopeQuestionsOptions): BenchmarkData {
  if (questions.length !== labels.length)
    throw new DataError(
      `${questions.length} question files need as many label files, in the same order; got ${labels.length}.`,
    );
  const asked = readPopeFiles(questions);
  const labelled = readPopeFiles(labels).perFile.map((file) => new Map(file.map((one) => [idOf(one), one])));
  for (const [i, file] of asked.perFile.entries()) requireSame(file, labelled[i]!, labels[i]!);
  const names = asked.questions.map(({ question }) => question.image);
  if (images !== undefined) requireImages(images, names);
  const fileOf = new Map(asked.perFile.flatMap((file, i) => file.map((question) => [question, i])));
  return {
    benchmark: "repope",
    prompt: "{question}",
    items: asked.questions.map(({ key, question }) => ({
      id: `${key} ${question.text}`,
      answerId: idOf(question),
      image: question.image,
      path: images === undefined ? undefined : join(images, question.image),
      question: question.text,
      fields: { question },
      reference: labelled[fileOf.get(question)!]!.get(idOf(question))?.label ?? "unclear",
    })),
    probes: [],
  };
}

export const repopeSource: DataSource = {
  name: "repope",
  options: z.strictObject({
    images: z.string().optional().describe("Folder of images"),
    questions: z.array(z.string()).min(1).describe("POPE's question files"),
    labels: z
      .array(z.string())
      .min(1)
      .describe("RePOPE's label files, one a question file, in the same order"),
  }),
  files: [
    ...popeDataFiles,
    {
      option: "labels",
      what: "coco_repope_random.json, coco_repope_popular.json, coco_repope_adversarial.json: 2,774, 2,727 and 2,684 questions",
      from: "https://github.com/YanNeu/RePOPE, annotations",
      size: "0.3 MB each",
      licence: "none stated",
    },
  ],
  items: repopeQuestions,
};

const idOf = ({ question_id }: PopeQuestion) => String(question_id);

/** The files are joined by id, and ids repeat from split to split: only the words tell another split's file. */
function requireSame(
  questions: readonly PopeQuestion[],
  labels: ReadonlyMap<string, PopeQuestion>,
  file: string,
): void {
  const asked = new Map(questions.map((question) => [idOf(question), question]));
  for (const [id, { text, image }] of labels) {
    const question = asked.get(id);
    if (question === undefined) throw new DataError(`${file}: question_id ${id} is none of POPE's.`);
    if (question.text !== text || question.image !== image)
      throw new DataError(
        `${file}: question_id ${id} asks ${JSON.stringify(text)} about ${image}, POPE's ${JSON.stringify(question.text)} about ${question.image}; is it of the same split?`,
      );
  }
}
