import { describe, expect, it } from "vitest";
import { DataError } from "../../../src/base/data_error";
import { seededRandom } from "../../../src/base/random";
import { sumUp } from "../../../src/benchmarks/benchmark";
import { compareAnswers } from "../../../src/benchmarks/compare";
import { mme } from "../../../src/benchmarks/mme";
import { mmeQuestions } from "../../../src/benchmarks/mme/data";
import type { MmeRule } from "../../../src/benchmarks/mme/rules";
import { fixture, temporaryFile } from "../../fixtures/unpack";

const tasks = ["existence", "count", "position", "color"];

/** Of MME's shape, in its order: its own questions may not be passed on. */
const items = mmeQuestions({
  questions: temporaryFile(
    "hal.json",
    tasks.flatMap((setting) => Array.from({ length: 60 }, (_, i) => question(setting, i))).join("\n"),
  ),
}).items;

interface Golden {
  total: number;
  tasks: Record<string, Record<string, number>>;
  predictions?: string;
  matrix?: number[];
}
const answers: Record<string, string[]> = JSON.parse(fixture("mme/answers.json"));
const golden: Record<string, Record<MmeRule, Golden>> = JSON.parse(fixture("mme/golden.json"));

describe.each(Object.keys(golden))("made-up answers %s, as each script scores them", (set) => {
  it.each(Object.keys(mme.MME_RULES) as MmeRule[])("%s", (rule) => {
    const expected = golden[set]![rule];
    const parts = partsOf(rule, answers[set]!);
    const { figures } = sumUp(mme({ rule }), parts, { resamples: 1 });
    for (const [task, values] of Object.entries(expected.tasks)) {
      for (const [figure, value] of Object.entries(values)) {
        const scale = figure === "score" ? 1 : 100;
        expect(scale * figures[`${task} ${figure}`]!, `${task} ${figure}`).toBeCloseTo(value, 9);
      }
    }
    expect(figures["total score"]).toBeCloseTo(expected.total, 9);
    if (expected.predictions)
      expect(parts.map(({ prediction }) => prediction[0]).join("")).toBe(expected.predictions);
    if (expected.matrix)
      expect(
        [
          ["yes", true],
          ["yes", false],
          ["no", true],
          ["no", false],
        ].map(
          ([label, right]) => parts.filter((part) => part.label === label && part.correct === right).length,
        ),
      ).toEqual(expected.matrix);
  });
});

describe("answer rules (worked by hand from each script)", () => {
  const table: [reply: string, label: "yes" | "no", read: Record<MmeRule, string>][] = [
    ["   Yes", "yes", { official: "other", shield: "yes", "lmms-eval": "yes", vlmevalkit: "yes" }],
    ["I know", "no", { official: "other", shield: "no", "lmms-eval": "other", vlmevalkit: "other" }],
    ["Nothing", "yes", { official: "no", shield: "no", "lmms-eval": "no", vlmevalkit: "other" }],
    ["Yes and no", "no", { official: "yes", shield: "no", "lmms-eval": "yes", vlmevalkit: "other" }],
    ["Y.", "yes", { official: "other", shield: "no", "lmms-eval": "yes", vlmevalkit: "other" }],
    ["yes.It is", "yes", { official: "yes", shield: "yes", "lmms-eval": "yes", vlmevalkit: "other" }],
    ["**Yes**", "yes", { official: "other", shield: "yes", "lmms-eval": "other", vlmevalkit: "other" }],
    ["😀 No", "no", { official: "no", shield: "no", "lmms-eval": "no", vlmevalkit: "no" }],
    ["1,000 yes-no", "no", { official: "other", shield: "no", "lmms-eval": "other", vlmevalkit: "other" }],
    ["no-one", "no", { official: "no", shield: "no", "lmms-eval": "no", vlmevalkit: "no" }],
    ["", "no", { official: "other", shield: "yes", "lmms-eval": "other", vlmevalkit: "other" }],
    [
      `${".".repeat(33)}no`,
      "no",
      { official: "other", shield: "no", "lmms-eval": "no", vlmevalkit: "other" },
    ],
  ];
  it.each(table)("%j", (answer, label, read) => {
    const fields = { question: { ...(items[0]!.fields.question as object), label } };
    for (const [rule, expected] of Object.entries(read))
      expect(mme({ rule: rule as MmeRule }).read({ answer }, { fields }).prediction, rule).toBe(expected);
  });
});

describe("intervals", () => {
  it("are those of a bootstrap that draws whole pictures", () => {
    const parts = partsOf("official", answers[1]!);
    const pictureOf = ({ image }: (typeof parts)[0]) => image.split("/")[1]!;
    const pictures = [...new Set(parts.map(pictureOf))].map((name) =>
      parts.filter((part) => pictureOf(part) === name),
    );
    const random = seededRandom(1);
    const scores = Array.from({ length: 1500 }, () => {
      const drawn = pictures.flatMap(() => pictures[random.below(pictures.length)]!);
      const points = tasks.map((task) => {
        const right = drawn.filter(({ setting }) => setting === task).map(({ correct }) => correct);
        const pairs = right.filter((_, i) => i % 2 === 0).map((one, i) => one && right[2 * i + 1]);
        return 100 * (share(right) + share(pairs));
      });
      return points.reduce((sum, one) => sum + one, 0);
    }).sort((a, b) => a - b);
    const [low, high] = sumUp(mme(), parts).intervals["total score"]!;
    expect(Math.abs(low - scores[37]!)).toBeLessThan(8); // of an interval of about 100 points
    expect(Math.abs(high - scores[1462]!)).toBeLessThan(8);
  });

  it("take a COCO picture in two tasks' folders for one, and tasks' own names for several", () => {
    const parts = partsOf("official", answers[1]!);
    expect(mme().tally(parts).ids).toHaveLength(110);
    const named = parts.map((part) => ({ ...part, image: `${part.setting}/0001.png` }));
    expect(mme().tally(named).ids).toHaveLength(4);
  });
});

describe("an experiment's answers", () => {
  it("compare question by question", () => {
    const [before, after] = [partsOf("official", answers[1]!), partsOf("official", answers[3]!)];
    const { images, questions, differences, fixed } = compareAnswers(mme(), before, after, { resamples: 10 });
    expect({ images, questions }).toEqual({ images: 110, questions: { asked: 240, distinct: 240 } });
    expect(differences["total score"]).toBeCloseTo(451.67 - 438.33, 1);
    expect(fixed[0]).toMatch(/^\d{12}\.jpg Is it /);
  });

  it("leave an image of which one question is answered out of accuracy+", () => {
    const parts = partsOf("official", ["Yes", "No", "Yes"]);
    const { figures } = sumUp(mme(), parts, { resamples: 1 });
    expect(figures).toEqual({
      "existence accuracy": 1,
      "existence accuracy+": 1,
      "existence score": 200,
      "total accuracy": 1,
      "total accuracy+": 1,
      "total score": 200,
    });
  });

  it("are shown a task a row", () => {
    const parts = partsOf("official", answers[1]!);
    const { rows } = mme().table(parts, sumUp(mme(), parts, { resamples: 100 }));
    expect(rows.map(([task, , , , count]) => [task, count])).toEqual([
      ...tasks.map((task) => [task, "60"]),
      ["total", "240"],
    ]);
    expect(rows[0]![3]).toMatch(/^150\.0 \[/);
  });
});

describe("question files", () => {
  it.each([
    [
      "a question twice",
      `${question("count", 0)}\n${question("count", 0)}`,
      /line 2: question_id 1 of count again/,
    ],
    [
      "a single question",
      question("count", 0),
      /1 images have not 2 questions in a task, such as count\/.* with 1/,
    ],
    [
      "a question without a task",
      '{"question_id":1,"image":"a","text":"b","label":"yes"}',
      /"setting" is undefined/,
    ],
    [
      "another label",
      question("count", 0).replace('"yes"', '"y"'),
      /line 1: the label is "y"; expected yes or no/,
    ],
    [
      "a question without a text",
      question("count", 0).replace('"text"', '"t"'),
      /line 1: "text" is undefined/,
    ],
    ["an empty file", "", /the file is empty/],
  ])("refuses %s", (_, content, message) => {
    const questions = temporaryFile("mme.json", content);
    expect(() => mmeQuestions({ questions })).toThrow(DataError);
    expect(() => mmeQuestions({ questions })).toThrow(message);
  });

  it("take a missing image for an error", () => {
    const questions = temporaryFile("mme.json", [0, 1].map((i) => question("count", i)).join("\n"));
    expect(() => mmeQuestions({ questions, images: "." })).toThrow(
      /1 images that the questions name are not in \./,
    );
  });
});

/** Ten pictures stand in two tasks, as in MME. */
function question(setting: string, i: number): string {
  const picture = Math.floor(i / 2) + 30 * tasks.indexOf(setting);
  const shared = picture >= 110 ? picture - 110 : picture;
  return JSON.stringify({
    question_id: i + 1,
    image: `${setting}/${String(shared).padStart(12, "0")}.jpg`,
    text: `Is it ${i}? Please answer yes or no.`,
    label: i % 2 === 0 ? "yes" : "no",
    setting,
  });
}

function partsOf(rule: MmeRule, replies: readonly string[]) {
  return replies.map((answer, i) => mme({ rule }).read({ answer }, items[i]!));
}

function share(values: readonly (boolean | undefined)[]): number {
  return values.filter(Boolean).length / values.length;
}
