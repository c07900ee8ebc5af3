import { describe, expect, it } from "vitest";
import { readPope } from "../../src/data/pope";
import { fixtureFile, temporaryFile } from "../fixtures/unpack";

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
