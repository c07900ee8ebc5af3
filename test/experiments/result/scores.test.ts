import { expect, test } from "vitest";
import { pope } from "../../../src/benchmarks";
import { Scores } from "../../../src/experiments/result/scores";

test("an image's score is over its distinct questions, in however many splits they stand", () => {
  const asked = (split: string, object: string, answer: string) => ({
    question: {
      ...{ question_id: object, image: "1.jpg", text: `Is there a ${object}?`, split },
      label: "yes" as const,
    },
    answer,
  });
  const answers = [
    ...["random", "popular", "adversarial"].map((split) => asked(split, "dog", "yes")),
    asked("random", "cat", "no"),
  ];
  const items = answers.map(({ question }, i) => ({ id: `item ${i}`, image: "1.jpg", fields: { question } }));
  const scores = new Scores(pope(), items);
  for (const [i, { answer }] of answers.entries())
    scores.add({ key: `cell item ${i}`, status: "done", cell: "cell", item: `item ${i}`, answer });
  expect(scores.perImage("cell", "accuracy")).toEqual(new Map([["1.jpg", 0.5]])); // of two questions, not of four lines
});
