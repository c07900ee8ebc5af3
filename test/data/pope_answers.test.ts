import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type PopeQuestion, readPopeAnswers } from "../../src/data";

const folder = mkdtempSync(join(tmpdir(), "answers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const questions: PopeQuestion[] = [1, 2].map((question_id) => ({
  question_id,
  image: "a.jpg",
  text: "Is there a dog in the image?",
  label: "yes",
  split: "random",
}));

function write(...records: object[]): string {
  const file = join(folder, "answers.jsonl");
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return file;
}

test("answers find their questions by id, under any of the published keys", () => {
  const file = write({ question_id: 2, ans: "No." }, { question_id: "1", text: "Yes" });
  expect(readPopeAnswers(file, questions).map(({ answer }) => answer)).toEqual(["Yes", "No."]);
});

test.each([
  [[{ question_id: 1, answer: "Yes" }], "1 questions have no answer (question_id 2)"],
  [
    [1, 2, 3].map((question_id) => ({ question_id, answer: "Yes" })),
    "1 answers belong to no question (question_id 3)",
  ],
  [[1, 1].map((question_id) => ({ question_id, answer: "Yes" })), "question_id 1 again"],
  [[{ question_id: 1, reply: "Yes" }], "expected question_id and one of answer, text, ans, response"],
])("mismatched ids and missing keys are named (%#)", (records, message) => {
  expect(() => readPopeAnswers(write(...records), questions)).toThrow(message);
});
