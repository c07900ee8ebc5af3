import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "./data_error";
import { type JsonRecord, readRecords } from "./records";

/** In the order in which POPE's tables have them. */
export const POPE_SPLITS = ["random", "popular", "adversarial"] as const;

export interface PopeQuestion {
  question_id: number | string;
  image: string; // file name
  text: string;
  label: "yes" | "no";
  split: string; // "random", "popular", "adversarial", or what the caller calls it
}

/**
 * Reads POPE questions: JSON lines {question_id, image, text, label} (the official files, OPERA's, A-OKVQA, GQA, RePOPE),
 * or PAI's dialogues {text: [6], label: [6], chat_id, image}, whose questions get the ids "<chat_id>.1" to "<chat_id>.6".
 * The split is taken from the file name if not given.
 */
export function readPope(file: string, split = splitInName(file)): PopeQuestion[] {
  const questions = readRecords(file).flatMap(({ place, value }) =>
    Array.isArray(value.text) ? dialogue(value, place, split) : [question(value, place, split)],
  );
  refuseRepeated(questions, file);
  return questions;
}

/** Writes `coco_pope_<split>.json` into the folder, one a split, as the official files are; their names. */
export function writePope(questions: readonly PopeQuestion[], folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return [...new Set(questions.map(({ split }) => split))].map((chosen) => {
    const lines = questions
      .filter(({ split }) => split === chosen)
      .map(({ split: _, ...question }) => JSON.stringify(question));
    const file = join(folder, `coco_pope_${chosen}.json`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    return file;
  });
}

function splitInName(file: string): string {
  return /random|popular|adversarial/.exec(file.split(/[\\/]/).at(-1)!)?.[0] ?? "all";
}

function question(value: JsonRecord, place: string, split: string): PopeQuestion {
  const question_id = value.question_id;
  if (typeof question_id !== "string" && !Number.isInteger(question_id)) {
    throw new DataError(
      `${place}: question_id is ${JSON.stringify(question_id)}; expected a whole number or a string.`,
    );
  }
  return {
    question_id: question_id as number | string,
    image: text(value.image, "image", place),
    text: text(value.text, "text", place),
    label: label(value.label, place),
    split,
  };
}

function dialogue(value: JsonRecord, place: string, split: string): PopeQuestion[] {
  const texts = value.text as unknown[];
  const labels = value.label;
  if (!Array.isArray(labels) || labels.length !== texts.length) {
    throw new DataError(
      `${place}: ${texts.length} questions need as many labels; found ${JSON.stringify(labels)}.`,
    );
  }
  const image = text(value.image, "image", place);
  return texts.map((one, i) => ({
    question_id: `${value.chat_id}.${i + 1}`,
    image,
    text: text(one, "text", place),
    label: label(labels[i], place),
    split,
  }));
}

function text(value: unknown, key: string, place: string): string {
  if (typeof value === "string") return value;
  throw new DataError(`${place}: "${key}" is ${JSON.stringify(value)}; expected a string.`);
}

function label(value: unknown, place: string): "yes" | "no" {
  const lower = typeof value === "string" ? value.toLowerCase() : value;
  if (lower === "yes" || lower === "no") return lower;
  throw new DataError(`${place}: the label is ${JSON.stringify(value)}; expected yes or no.`);
}

function refuseRepeated(questions: PopeQuestion[], file: string): void {
  const seen = new Set<number | string>();
  for (const { question_id } of questions) {
    if (seen.has(question_id)) throw new DataError(`${file}: question_id ${question_id} stands there twice.`);
    seen.add(question_id);
  }
}
