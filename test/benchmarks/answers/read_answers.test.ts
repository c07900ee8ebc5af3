import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { joinAnswers } from "../../../src/benchmarks/answers/join_answers";
import { type AnswerKeys, readAnswers } from "../../../src/benchmarks/answers/read_answers";

const folder = mkdtempSync(join(tmpdir(), "answers-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(records: readonly object[], keys?: AnswerKeys) {
  const file = join(folder, "answers.jsonl");
  writeFileSync(file, records.map((record) => JSON.stringify(record)).join("\n"));
  const { layout, answers } = readAnswers(file, keys);
  return [layout, Object.fromEntries(answers)];
}

test.each([
  [
    "LLaVA",
    [{ question_id: 7, prompt: "A dog?", text: "Yes", answer_id: "x" }],
    "records of question_id and text",
  ],
  ["AMBER", [{ id: 7, response: "Yes" }], "records of id and response"],
  ["captions", [{ image_id: "7", caption: "Yes" }], "records of image_id and caption"],
  ["VLMEvalKit", [{ index: 7, question: "A dog?", prediction: "Yes" }], "records of index and prediction"],
  [
    "lmms-eval",
    [
      {
        doc_id: 0,
        doc: { question_id: "7", answer: "no" },
        resps: [["Yes, it is"]],
        filtered_resps: ["Yes"],
      },
    ],
    "samples that lmms-eval logs",
  ],
])("the layout of %s", (_, records, layout) => {
  expect(read(records)).toEqual([layout, { 7: "Yes" }]);
});

test("other keys are named", () => {
  const records = [{ nr: 7, said: "Yes", answer: "no" }];
  expect(read(records, { idKey: "nr", answerKey: "said" })[1]).toEqual({ 7: "Yes" });
  expect(() => read(records)).toThrow(
    "line 1: there is no id (it has nr, said, answer); expected one of question_id",
  );
  expect(() => read([{ id: 1, words: "Yes" }])).toThrow("there is no answer (it has id, words)");
});

test("doubled ids, answers that are no text, and requests that failed are refused", () => {
  expect(() =>
    read([
      { id: 1, answer: "Yes" },
      { id: 1, answer: "No" },
    ]),
  ).toThrow("line 2: id 1 again");
  expect(() =>
    read([
      { id: 1, answer: "Yes" },
      { id: 2, answer: null },
    ]),
  ).toThrow("line 2: the answer is null; expected a string");
  expect(() =>
    read([
      { id: 1, answer: "Yes" },
      { id: 2, answer: "[LMMS_EVAL_REQUEST_FAILED after 5 tries]" },
    ]),
  ).toThrow("1 of 2 requests failed (2)");
});

test("every item has its answer, and every answer its item", () => {
  const items = ["a", "b"].map((id) => ({
    id: `item ${id}`,
    answerId: id,
    image: "1.png",
    question: "",
    fields: {},
  }));
  const join_ = (answers: Record<string, string>) =>
    joinAnswers(items, new Map(Object.entries(answers)), "answers.json");
  expect(join_({ b: "no", a: "yes" }).map(({ answer }) => answer)).toEqual(["yes", "no"]);
  expect(() => join_({ a: "yes" })).toThrow("answers.json: 1 questions have no answer (id b)");
  expect(() => join_({ a: "yes", b: "no", c: "no" })).toThrow("1 answers belong to no question (id c)");
  expect(() => joinAnswers([...items, items[0]!], new Map(), "x")).toThrow(
    "id a of the questions stand there several times",
  );
});
