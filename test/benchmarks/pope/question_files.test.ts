import { describe, expect, it } from "vitest";
import { readPope, readPopeFiles } from "../../../src/benchmarks/pope/question_files";
import { fixtureFile, temporaryFile } from "../../fixtures/unpack";

const line = (fields: object) =>
  JSON.stringify({ question_id: 1, image: "a.jpg", text: "Is it?", label: "yes", ...fields });

describe("readPope", () => {
  it("reads the official files", () => {
    const questions = readPope(fixtureFile("pope/coco_pope_popular.json"));
    expect(questions).toHaveLength(3000);
    expect(questions.filter(({ label }) => label === "yes")).toHaveLength(1500);
    expect(questions[1]).toEqual({
      question_id: 2,
      image: "COCO_val2014_000000310196.jpg",
      text: "Is there a dining table in the image?",
      label: "no",
      split: "popular",
    });
  });

  it("reads PAI's dialogues", () => {
    const chat = { text: ["A?", "B?"], label: ["yes", "no"], chat_id: 7, image: "a.jpg" };
    const questions = readPope(temporaryFile("coco_pope_chat_random.json", JSON.stringify(chat)));
    expect(questions).toEqual([
      { question_id: "7.1", image: "a.jpg", text: "A?", label: "yes", split: "random" },
      { question_id: "7.2", image: "a.jpg", text: "B?", label: "no", split: "random" },
    ]);
  });

  it.each([
    ["another label", line({ label: "maybe" }), /line 1: the label is "maybe"; expected yes or no/],
    ["a question without id", line({ question_id: null }), /line 1: question_id is null/],
    ["a question without image", line({ image: 3 }), /line 1: "image" is 3; expected a string/],
    [
      "an id that is rounded",
      line({ question_id: 2 ** 60 }),
      /line 1: question_id is about 1152921504606847000/,
    ],
    [
      "an id twice in two spellings",
      `${line({})}\n${line({ question_id: "1" })}`,
      /question_id 1 stands there/,
    ],
    ["an id twice", `${line({})}\n${line({})}`, /question_id 1 stands there twice/],
    [
      "too few labels",
      '{"text": ["A?"], "label": [], "chat_id": 1, "image": "a"}',
      /1 questions need as many labels/,
    ],
  ])("refuses %s", (_, content, message) => {
    expect(() => readPope(temporaryFile("pope.json", content))).toThrow(message);
  });
});

describe("readPopeFiles", () => {
  const first = temporaryFile("coco_pope_random.json", `${line({})}\n${line({ question_id: 2 })}`);
  const second = temporaryFile("gqa_pope_seem_random.json", line({ image: "b.jpg" }));
  const popular = temporaryFile("coco_pope_popular.json", `${line({})}\n${line({ question_id: 2 })}`); // as random

  it("tells the questions of two files of one split apart", () => {
    const { questions } = readPopeFiles([first, popular, second]);
    expect(questions.map(({ key }) => key)).toEqual([
      ...["random 1", "random 2", "popular 1", "popular 2", "random#2 1"],
    ]);
    expect(questions.map(({ question }) => question.image)).toEqual(
      [..."aaaab"].map((letter) => `${letter}.jpg`),
    );
  });

  it("refuses a file that is given twice, under whatever name", () => {
    const copy = temporaryFile("copy_of_random.json", `${line({})}\n${line({ question_id: 2 })}`);
    expect(() => readPopeFiles([first, copy])).toThrow(/have the same content; give it once/);
  });
});
