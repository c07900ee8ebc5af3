import { describe, expect, it } from "vitest";
import type { PopeRule } from "../../../src/benchmarks/pope/rules";
import { score } from "../../../src/benchmarks/pope/score";
import type { PopeAnswer } from "../../../src/benchmarks/pope/scored_answer";

describe("answer rules (worked by hand from each script)", () => {
  const table: [reply: string, label: "yes" | "no", read: Record<PopeRule, string>][] = [
    [
      "Yes",
      "yes",
      { opera: "yes", official: "yes", vcd: "yes", "lmms-eval": "yes", exact: "yes", repope: "yes" },
    ],
    [
      "No.",
      "no",
      { opera: "no", official: "no", vcd: "no", "lmms-eval": "other", exact: "no", repope: "no" },
    ],
    [
      "No, there is not.",
      "yes",
      { opera: "no", official: "no", vcd: "no", "lmms-eval": "other", exact: "other", repope: "no" },
    ],
    ["NO", "no", { opera: "no", official: "yes", vcd: "no", "lmms-eval": "no", exact: "no", repope: "no" }],
    [
      "No!",
      "no",
      { opera: "yes", official: "yes", vcd: "no", "lmms-eval": "other", exact: "other", repope: "no" },
    ],
    [
      "There isn't.",
      "no",
      { opera: "no", official: "yes", vcd: "yes", "lmms-eval": "other", exact: "other", repope: "other" },
    ],
    [
      "Yes. It is not small.",
      "yes",
      { opera: "no", official: "yes", vcd: "yes", "lmms-eval": "other", exact: "other", repope: "yes" },
    ],
    [
      "I know a cat",
      "no",
      { opera: "yes", official: "yes", vcd: "no", "lmms-eval": "other", exact: "other", repope: "no" },
    ],
    [
      "",
      "no",
      { opera: "yes", official: "yes", vcd: "yes", "lmms-eval": "other", exact: "other", repope: "other" },
    ],
    [
      "no\n",
      "no",
      { opera: "yes", official: "yes", vcd: "no", "lmms-eval": "no", exact: "no", repope: "no" },
    ],
  ];
  it.each(table)("%j", (answer, label, read) => {
    for (const [rule, expected] of Object.entries(read)) {
      const { answers } = score([reply(1, label, answer)], rule as PopeRule, { resamples: 1 });
      expect(answers[0]!.prediction, rule).toBe(expected);
      expect(answers[0]!.answer).toBe(answer);
    }
  });
});

describe("metrics", () => {
  const replies: PopeAnswer[] = [
    ...["yes", "yes", "yes", "no", "maybe"].map((answer, i) => reply(i, "yes", answer)),
    ...["no", "no", "yes", "a dog", "no"].map((answer, i) => reply(5 + i, "no", answer)),
  ];

  it("are of the confusion matrix, with yes the positive class", () => {
    // exact: true yes 3, missed 2 (one of them no answer at all), false yes 1, true no 3
    expect(score(replies, "exact").metrics).toEqual({
      "random accuracy": 0.6,
      "random precision": 0.75,
      "random recall": 0.6,
      "random F1": (2 * 0.75 * 0.6) / 1.35,
      "random yesRatio": 0.4,
      "random invalidRate": 0.2,
    });
  });

  it("forget in the recall what lmms-eval forgets", () => {
    expect(score(replies, "lmms-eval").metrics["random recall"]).toBe(0.75);
  });

  it("are averaged over the splits", () => {
    const popular = replies.map((one) => ({ ...one, split: "popular", answer: one.label }));
    const { metrics, intervals } = score([...replies, ...popular], "exact");
    expect(metrics["popular accuracy"]).toBe(1);
    expect(metrics["mean accuracy"]).toBe(0.8);
    expect(metrics["mean yesRatio"]).toBe(0.45);
    expect(intervals["mean accuracy"]![0]).toBeLessThan(0.8);
  });

  it("are null where a division by zero would be", () => {
    const { metrics, intervals } = score([reply(1, "no", "no")], "opera");
    expect(metrics).toMatchObject({ "random precision": null, "random recall": null, "random F1": null });
    expect(intervals["random F1"]).toBeNull();
  });

  it("have intervals over images, not over questions", () => {
    // Twelve questions on each of 40 images, all right or all wrong: only 40 independent things were seen.
    const byImage = Array.from({ length: 480 }, (_, i) =>
      reply(i, "yes", i % 40 < 20 ? "yes" : "no", i % 40),
    );
    const [low, high] = score(byImage, "exact").intervals["random accuracy"]!;
    expect(high - low).toBeGreaterThan(0.26); // 2 x 1.96 x sqrt(0.25 / 40) = 0.31; over questions it would be 0.09
    expect(high - low).toBeLessThan(0.36);
  });

  it("stand in the order of POPE's tables, whichever answer came first", () => {
    const mixed = ["adversarial", "mine", "popular", "random"].map((split, i) => ({
      ...reply(i, "yes", "yes"),
      split,
    }));
    const names = Object.keys(score(mixed, "exact", { resamples: 1 }).metrics).filter((name) =>
      name.endsWith(" F1"),
    );
    expect(names).toEqual(["random F1", "popular F1", "adversarial F1", "mine F1", "mean F1"]);
  });

  it("need a known rule", () => {
    expect(() => score(replies, "strict" as PopeRule)).toThrow(
      'no answer rule "strict"; expected one of opera,',
    );
  });
});

function reply(question_id: number, label: "yes" | "no", answer: string, image = question_id): PopeAnswer {
  return {
    question_id,
    image: `${image}.jpg`,
    text: "Is there a dog in the image?",
    label,
    split: "random",
    answer,
  };
}
