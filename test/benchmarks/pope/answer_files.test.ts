import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type PopeQuestion, readPopeAnswers } from "../../../src/benchmarks";

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
  [[{ question_id: 1, said: "Yes" }], "expected question_id and a reply, one of caption, answer, text"],
  [[{ question_id: [1], answer: "Yes" }], "expected question_id, a whole number or a string"],
  [[{ question_id: 2 ** 60, answer: "Yes" }], "expected question_id, a whole number or a string"],
])("mismatched ids and missing keys are named (%#)", (records, message) => {
  expect(() => readPopeAnswers(write(...records), questions)).toThrow(message);
});

test.each(["response", "prediction", "text", "output", "generated", "model_answer", "label", "gt"])(
  "the truth beside the reply under %s is not scored",
  (key) => {
    const file = write(
      ...[1, 2].map((question_id) => ({ question_id, answer: "yes", [key]: "No, there is no dog." })),
    );
    expect(() => readPopeAnswers(file, questions)).toThrow(
      new RegExp(`line 1: the reply could be .*"${key}".*; say which with --answer-key`),
    );
    const replies = readPopeAnswers(file, questions, key).map(({ answer }) => answer);
    expect(replies).toEqual(Array(2).fill("No, there is no dog."));
  },
);

test("the question and its label, repeated, leave no doubt about the reply", () => {
  const asked = {
    text: "Is there a dog in the image?",
    label: "Yes",
    question: "Is there a dog in the image?",
  };
  const file = write(...[1, 2].map((question_id) => ({ question_id, ...asked, answer: "No" })));
  expect(readPopeAnswers(file, questions).map(({ answer }) => answer)).toEqual(["No", "No"]);
});

test("a question file is no answer file", () => {
  const file = write(...questions);
  expect(() => readPopeAnswers(file, questions)).toThrow("expected question_id and a reply");
});

test("the key of the reply may be any, and is asked for in every line", () => {
  const file = write({ question_id: 1, said: "Yes" }, { question_id: 2, said: 3 });
  expect(() => readPopeAnswers(file, questions, "said")).toThrow(
    'line 2: the reply, "said", is 3; expected a',
  );
});

test("answers to other questions under the same ids are told by what was asked", () => {
  const prompt = "Is there a cat in the image?\nAnswer with one word.";
  const file = write(...[1, 2].map((question_id) => ({ question_id, prompt, text: "Yes" })));
  expect(() => readPopeAnswers(file, questions)).toThrow('but question 1 is "Is there a dog in the image?"');
});
