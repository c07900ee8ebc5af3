import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import { type JsonRecord, type PlacedRecord, readRecords } from "../../data/records";
import { soleText, textKeys } from "../../data/sole_text";
import type { PopeQuestion } from "./question_files";
import type { PopeAnswer } from "./scored_answer";

/** Keys of the truth in published question files. */
const truthKeys = ["label", "gt", "ground_truth", "target"];

/** Keys under which answer files repeat what was asked. */
const questionKeys = ["question", "prompt", "query"];

/**
 * Answers from a file, {question_id, answer} a line (or another key that published code has), joined with their questions by id.
 * @param answerKey the reply's key, where several could be it
 * @throws DataError where an answer has no question or is about another one, a question no answer, an id stands there twice,
 * or it is not certain what is the reply
 */
export function readPopeAnswers(
  file: string,
  questions: readonly PopeQuestion[],
  answerKey?: string,
): PopeAnswer[] {
  const byId = new Map(questions.map((question) => [String(question.question_id), question]));
  const replies = new Map<string, string>();
  const strays: string[] = [];
  for (const record of readRecords(file)) {
    const id = questionId(record);
    const question = byId.get(id);
    if (replies.has(id))
      throw new DataError(`${record.place}: question_id ${id} again; expected one answer a question.`);
    if (question === undefined) strays.push(id);
    else refuseOther(record, question);
    replies.set(id, replyOf(record, question, answerKey));
  }
  refuse(file, strays, "answers belong to no question");
  refuse(
    file,
    [...byId.keys()].filter((id) => !replies.has(id)),
    "questions have no answer",
  );
  return questions.map((question) => ({ ...question, answer: replies.get(String(question.question_id))! }));
}

function questionId({ place, value }: PlacedRecord): string {
  const id = value.question_id;
  if (typeof id === "string" || Number.isSafeInteger(id)) return String(id);
  throw new DataError(
    `${place}: expected question_id, a whole number or a string, and a reply (it has ${keysOf(value)}).`,
  );
}

/** The question itself and its label, repeated, are no reply. */
function replyOf(
  { place, value }: PlacedRecord,
  question: PopeQuestion | undefined,
  answerKey: string | undefined,
): string {
  if (answerKey !== undefined) {
    const reply = value[answerKey];
    if (typeof reply === "string") return reply;
    throw new DataError(
      `${place}: the reply, "${answerKey}", is ${JSON.stringify(reply) ?? "not there"}; expected a string (it has ${keysOf(value)}).`,
    );
  }
  const labels = truthKeys.filter((key) => !isLabel(value[key], question));
  const keys = [...textKeys.filter((key) => value[key] !== question?.text), ...labels];
  const key = soleText(value, keys, place, "reply", "--answer-key");
  if (key !== undefined && textKeys.includes(key)) return value[key] as string;
  throw new DataError(
    `${place}: expected question_id and a reply, one of ${textKeys.join(", ")} (it has ${keysOf(value)}); --answer-key names any other.`,
  );
}

function isLabel(value: unknown, question: PopeQuestion | undefined): boolean {
  return typeof value === "string" && value.trim().toLowerCase() === question?.label;
}

/** Files of all splits have the same ids and images: only what was asked tells them apart. */
function refuseOther({ place, value }: PlacedRecord, { question_id, text }: PopeQuestion): void {
  for (const key of questionKeys) {
    const asked = value[key];
    if (typeof asked === "string" && !asked.includes(text))
      throw new DataError(
        `${place}: the ${key} is ${JSON.stringify(asked)}, but question ${question_id} is ${JSON.stringify(text)}; is it the answers to these questions?`,
      );
  }
}

function refuse(file: string, ids: string[], complaint: string): void {
  if (ids.length === 0) return;
  throw new DataError(
    `${file}: ${ids.length} ${complaint} (question_id ${someOf(ids)}); is it the answers to these questions?`,
  );
}

function keysOf(value: JsonRecord): string {
  return Object.keys(value).join(", ") || "none";
}
