import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { checkedId } from "../../data/ids";
import { type JsonRecord, readRecords } from "../../data/records";
import { labelField, textField } from "../question_fields";
import type { YesNo } from "../yes_no";

/** In the order in which POPE's tables have them. */
export const POPE_SPLITS = ["random", "popular", "adversarial"] as const;

export interface PopeQuestion {
  question_id: number | string;
  image: string; // file name
  text: string;
  label: YesNo;
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

/** The questions of several files. */
export interface PopeFiles {
  /** `key` is unique among all of them, and follows from the files' content and order. */
  questions: { key: string; question: PopeQuestion }[];
  /** The same, file by file. */
  perFile: PopeQuestion[][];
  /** The sha256 of each file's content. */
  sha256: string[];
}

/**
 * Reads question files, of which several may be of one split, as those of two data sets are: their ids both begin with 1.
 * @throws DataError as `readPope`, and where two files of a split have the same content
 */
export function readPopeFiles(files: readonly string[]): PopeFiles {
  const perFile = files.map((file) => readPope(file));
  const splits = perFile.map(([one]) => one!.split);
  const sha256 = files.map((file) => createHash("sha256").update(readFileSync(file)).digest("hex"));
  const contents = sha256.map((hash, i) => `${splits[i]} ${hash}`);
  const again = contents.findIndex((content, i) => contents.indexOf(content) < i);
  if (again >= 0) {
    const first = contents.indexOf(contents[again]!);
    throw new DataError(`${files[first]} and ${files[again]} have the same content; give it once.`);
  }
  const questions = perFile.flatMap((all, i) => {
    const before = splits.slice(0, i).filter((split) => split === splits[i]).length;
    const name = before === 0 ? splits[i] : `${splits[i]}#${before + 1}`;
    return all.map((question) => ({ key: `${name} ${question.question_id}`, question }));
  });
  return { questions, perFile, sha256 };
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
  return {
    question_id: checkedId(value.question_id, "question_id", place),
    image: textField(value.image, "image", place),
    text: textField(value.text, "text", place),
    label: labelField(value.label, place),
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
  const image = textField(value.image, "image", place);
  const chat = checkedId(value.chat_id, "chat_id", place);
  return texts.map((one, i) => ({
    question_id: `${chat}.${i + 1}`,
    image,
    text: textField(one, "text", place),
    label: labelField(labels[i], place),
    split,
  }));
}

function refuseRepeated(questions: PopeQuestion[], file: string): void {
  const seen = new Set<string>();
  for (const { question_id } of questions) {
    if (seen.has(String(question_id)))
      throw new DataError(`${file}: question_id ${question_id} stands there twice.`);
    seen.add(String(question_id));
  }
}
