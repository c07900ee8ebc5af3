import type { PopeAnswer } from "../metrics";
import { DataError } from "./data_error";
import type { PopeQuestion } from "./pope";
import { readRecords } from "./records";

/** Keys under which published code keeps the reply. */
const replyKeys = ["answer", "text", "ans", "response"];

/**
 * Answers from a file, {question_id, answer} a line (or text, ans, response), joined with their questions by id.
 * @throws DataError where an answer has no question, a question no answer, or an id stands there twice
 */
export function readPopeAnswers(file: string, questions: readonly PopeQuestion[]): PopeAnswer[] {
  const replies = new Map<string, string>();
  for (const { place, value } of readRecords(file)) {
    const key = replyKeys.find((name) => typeof value[name] === "string");
    if (value.question_id === undefined || key === undefined) {
      throw new DataError(
        `${place}: expected question_id and one of ${replyKeys.join(", ")} (it has ${Object.keys(value).join(", ")}).`,
      );
    }
    const id = String(value.question_id);
    if (replies.has(id))
      throw new DataError(`${place}: question_id ${id} again; expected one answer a question.`);
    replies.set(id, value[key] as string);
  }
  const ids = new Set(questions.map(({ question_id }) => String(question_id)));
  refuse(
    file,
    [...replies.keys()].filter((id) => !ids.has(id)),
    "answers belong to no question",
  );
  refuse(
    file,
    [...ids].filter((id) => !replies.has(id)),
    "questions have no answer",
  );
  return questions.map((question) => ({ ...question, answer: replies.get(String(question.question_id))! }));
}

function refuse(file: string, ids: string[], complaint: string): void {
  if (ids.length === 0) return;
  const shown = `${ids.slice(0, 10).join(", ")}${ids.length > 10 ? " …" : ""}`;
  throw new DataError(
    `${file}: ${ids.length} ${complaint} (question_id ${shown}); is it the answers to these questions?`,
  );
}
