import { describe, expect, it } from "vitest";
import { DataError } from "../../../src/base/data_error";
import { seededRandom } from "../../../src/base/random";
import { sumUp } from "../../../src/benchmarks/benchmark";
import { compareAnswers } from "../../../src/benchmarks/compare";
import { hallusionbench } from "../../../src/benchmarks/hallusionbench";
import { hallusionBenchQuestions } from "../../../src/benchmarks/hallusionbench/data";
import type { HallusionBenchMetricOptions } from "../../../src/benchmarks/hallusionbench/metric";
import { fixture, fixtureFile, temporaryFile } from "../../fixtures/unpack";

const { items } = hallusionBenchQuestions({
  questions: fixtureFile("hallusionbench/HallusionBench.json"),
});
const itemOf = new Map(items.map((item) => [hallusionbench().judge(read(item, "")).key, item]));

type Values = Record<string, number>;
interface Golden {
  parsed: string;
  correctness: string;
  official: Values; // per cent to four decimals, but for pctDiff and fpRatio
  vlmevalkit: Values;
  "lmms-eval": Values;
  intern: Values; // fractions
}
const answers: Record<string, [key: string, reply: string][]> = JSON.parse(
  fixture("hallusionbench/answers.json"),
);
const golden: Record<string, Golden> = JSON.parse(fixture("hallusionbench/golden.json"));

describe.each(Object.keys(golden))("made-up answers %s, as each script scores them", (set) => {
  const expected = golden[set]!;
  const figuresOf = (options: HallusionBenchMetricOptions) =>
    sumUp(hallusionbench(options), partsOf(set, options), { resamples: 1 }).figures as Values;

  it("official: reply by reply", () => {
    const parts = partsOf(set);
    const letter = { yes: "Y", no: "N", other: "U" };
    expect(parts.map(({ prediction }) => letter[prediction]).join("")).toBe(expected.parsed);
    const mark = ({ prediction, label }: (typeof parts)[0]) =>
      prediction === "other" ? "2" : prediction === label ? "1" : "0";
    expect(parts.map(mark).join("")).toBe(expected.correctness);
  });

  it("official: figures", () => {
    const { pctDiff, fpRatio, ...accuracies } = figuresOf({});
    expect(pctDiff).toBeCloseTo(expected.official.pctDiff!, 12);
    expect(fpRatio).toBeCloseTo(expected.official.fpRatio!, 12);
    for (const [name, value] of Object.entries(accuracies))
      expect((100 * value).toFixed(4), name).toBe(expected.official[name]!.toFixed(4));
  });

  it("VLMEvalKit, and lmms-eval with the same judge", () => {
    const figures = figuresOf({ grouping: "vlmevalkit" });
    for (const name of ["aAcc", "fAcc", "qAcc"]) {
      expect(100 * figures[name]!, name).toBeCloseTo(expected.vlmevalkit[name]!, 9);
      expect((100 * figures[name]!).toFixed(4), name).toBe(expected["lmms-eval"][name]!.toFixed(4));
    }
  });

  it("lmms-eval's rule that takes all but yes for no", () => {
    const figures = figuresOf({ grouping: "vlmevalkit", rule: "intern" });
    for (const name of ["aAcc", "fAcc", "qAcc"])
      expect(figures[name], name).toBeCloseTo(expected.intern[name]!, 12);
  });
});

describe("intervals", () => {
  it("are those of a bootstrap that draws whole sets", () => {
    const parts = partsOf("1");
    const by = <Row>(rows: Row[], keyOf: (row: Row) => string) =>
      [...new Set(rows.map(keyOf))].map((key) => rows.filter((row) => keyOf(row) === key));
    const sets = by(parts, ({ category, subcategory, set_id }) => `${category}/${subcategory}/${set_id}`).map(
      (set) => by(set, ({ question_id }) => question_id),
    );
    const random = seededRandom(1);
    const values = Array.from({ length: 2000 }, () => {
      const drawn = sets.flatMap(() => sets[random.below(sets.length)]!);
      return drawn.filter((question) => question.every(({ correct }) => correct)).length / drawn.length;
    }).sort((a, b) => a - b);
    const [low, high] = sumUp(hallusionbench(), parts).intervals.qAcc!;
    expect(Math.abs(low - values[49]!)).toBeLessThan(0.008); // of an interval of about 0.1
    expect(Math.abs(high - values[1949]!)).toBeLessThan(0.008);
  });
});

describe("an experiment's answers", () => {
  it("compare row by row", () => {
    const metric = hallusionbench();
    const before = partsOf("1");
    const { images, questions, differences } = compareAnswers(metric, before, partsOf("3"), {
      resamples: 10,
    });
    expect({ images, questions }).toEqual({ images: 167, questions: { asked: 1129, distinct: 1126 } });
    expect(100 * differences.aAcc!).toBeCloseTo(90.3454 - 62.8875, 3);
    expect(new Set(before.map((part) => metric.judge(part).key)).size).toBe(1129);
  });

  it("are shown a figure a row", () => {
    const parts = partsOf("1");
    const { rows } = hallusionbench().table(parts, sumUp(hallusionbench(), parts, { resamples: 100 }));
    expect(rows.map(([name, value]) => [name, value])).toEqual([
      ["aAcc %", "62.9"],
      ["fAcc %", "26.3"],
      ["qAcc %", "33.0"],
      ["pctDiff %", "6.5"],
      ["fpRatio %", "58.7"],
    ]);
  });

  it("have no FP ratio where nothing is wrong", () => {
    const right = items.map((item) => read(item, (item.fields.question as { label: string }).label));
    const { figures } = sumUp(hallusionbench(), right, { resamples: 1 });
    expect(figures).toEqual({ aAcc: 1, fAcc: 1, qAcc: 1, pctDiff: 0, fpRatio: null });
  });

  it("are excused for not knowing without a figure only, and officially only", () => {
    const unclear = (options: HallusionBenchMetricOptions) =>
      items.filter((item) => read(item, "I cannot tell.", options).correct).length;
    expect([unclear({}), unclear({ grouping: "vlmevalkit" })]).toEqual([178, 0]);
  });
});

describe("HallusionBench.json", () => {
  it("has questions with and without a figure", () => {
    expect(items).toHaveLength(1129);
    expect(items.filter(({ path }) => path === null)).toHaveLength(178);
    expect(items.filter(({ path }) => path === undefined)).toHaveLength(951);
    expect(new Set(items.map(({ id }) => id)).size).toBe(1129);
    expect(new Set(items.map(({ image }) => image)).size).toBe(167);
  });

  const row = (fields: object) => ({
    ...{ category: "VD", subcategory: "ocr", set_id: "1", figure_id: "0", question_id: "0" },
    ...{ question: "Is it?", gt_answer: "1", filename: "./VD/ocr/1_0.png", ...fields },
  });
  it.each([
    ["a row twice", [row({}), row({})], /item 2: VD ocr 1 0 0 again \(first at .*item 1\); expected one row/],
    [
      "another answer",
      [row({ gt_answer: "yes" })],
      /item 1: gt_answer is "yes"; expected "1" \(yes\) or "0" \(no\)/,
    ],
    [
      "a row without a file name",
      [row({ filename: undefined })],
      /item 1: "filename" is undefined; expected a string/,
    ],
    ["a row without a set", [row({ set_id: null })], /item 1: set_id is null/],
    ["a row that is none", ["Is it?"], /item 1: expected a JSON object, found "Is it\?"/],
    ["no row", [], /the list is empty/],
  ])("is refused with %s", (_, rows, message) => {
    const questions = temporaryFile("HallusionBench.json", JSON.stringify(rows));
    expect(() => hallusionBenchQuestions({ questions })).toThrow(DataError);
    expect(() => hallusionBenchQuestions({ questions })).toThrow(message);
  });

  it("is refused where a figure is not in the folder", () => {
    const questions = temporaryFile("HallusionBench.json", JSON.stringify([row({})]));
    expect(() => hallusionBenchQuestions({ questions, images: "." })).toThrow(
      /1 images that the questions name/,
    );
  });
});

function partsOf(set: string, options?: HallusionBenchMetricOptions) {
  return answers[set]!.map(([key, reply]) => read(itemOf.get(key)!, reply, options));
}

function read(item: (typeof items)[0], answer: string, options?: HallusionBenchMetricOptions) {
  return hallusionbench(options).read({ answer }, item);
}
