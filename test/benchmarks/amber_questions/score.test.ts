import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random";
import { amberQuestions, compare, readAmberQuestions, readAmberResponses } from "../../../src/benchmarks";
import { amberQuestionData } from "../../../src/benchmarks/amber_questions/data";
import { amberQuestionFigures } from "../../../src/benchmarks/amber_questions/figures";
import type { ScoredReply } from "../../../src/benchmarks/amber_questions/scored_reply";
import { figureCell } from "../../../src/benchmarks/tables";
import { renderTable } from "../../../src/report/tables";
import { fixture, fixtureFile } from "../../fixtures/unpack";
import { amberFolder, answeredIn, folderOf, percentile } from "../amber/files";

const folder = amberFolder();
const questions = readAmberQuestions(folder);
const read = (set: number) =>
  readAmberResponses(fixtureFile(`amber/responses.${set}.json`), answeredIn(set, questions));
const headings = {
  ...{ "Descriminative Task": "all", Exsitence: "existence", Attribute: "attribute", State: "state" },
  ...{ Number: "number", Action: "action", Relation: "relation" },
};

describe.each([1, 2, 3])("set %i of made-up answers (golden: AMBER's inference.py)", (set) => {
  it("has the printed figures", () => {
    const { printed } = JSON.parse(fixture(`amber/golden.${set}.json`)).md;
    const replies = read(set);
    const { figures } = amberQuestions.score(replies, { resamples: 1 });
    const asked = new Set(replies.flatMap(({ type }) => [type, isAttribute(type) ? "attribute" : "all"]));
    for (const [heading, group] of Object.entries(headings)) {
      for (const [name, value] of Object.entries(printed[heading] as Record<string, number>)) {
        const figure = name === "F1" ? name : name.toLowerCase();
        const cell = figureCell(amberQuestionFigures[figure]!, figures[`${group} ${figure}`]);
        const nothing = value === 0 && !asked.has(group); // there a 0, here no figure
        expect([group, figure, cell]).toEqual([group, figure, nothing ? "–" : value.toFixed(1)]);
      }
    }
    expect(Object.keys(figures)).toHaveLength((set === 2 ? 3 : 7) * 5);
  });
});

const isAttribute = (type: string) => ["state", "number", "action"].includes(type);

describe("figures", () => {
  const result = amberQuestions.score(read(3), { resamples: 3000 });

  it("have intervals over images: those of a naive bootstrap that draws whole images", () => {
    const perImage = [...new Set(result.replies.map(({ image }) => image))].map((image) =>
      result.replies.filter((one) => one.image === image && one.type === "action"),
    );
    const random = seededRandom(1);
    const drawn = Array.from({ length: 3000 }, () =>
      f1(perImage.flatMap(() => perImage[random.below(perImage.length)]!)),
    );
    const [low, high] = result.intervals["action F1"]!;
    expect(Math.abs(low - percentile(drawn, 0.025))).toBeLessThan(0.006);
    expect(Math.abs(high - percentile(drawn, 0.975))).toBeLessThan(0.006);
    expect(result.figures["action F1"]).toBeCloseTo(f1(perImage.flat()), 2);
  });

  it("compare question by question, a repeated one once", () => {
    const right = questions.map((one) => ({ ...one, response: one.truth === "yes" ? "Yes" : "No" }));
    const wrong = right.map((one) => ({ ...one, response: "Yes." }));
    const [a, b] = [wrong, right].map((replies) => amberQuestions.score(replies, { resamples: 1 }));
    const comparison = compare(a!, b!, { resamples: 1 });
    expect(comparison.questions).toEqual({ asked: 14216, distinct: 14206 });
    expect([comparison.fixed.length, comparison.broken.length]).toEqual([14206, 0]);
    expect(a!.figures["all invalidRate"]).toBe(1);
  });

  it("are of the types that were asked about", () => {
    const some = read(1).filter(({ type }) => type === "number");
    const { figures } = amberQuestions.score(some, { resamples: 1 });
    const groups = new Set(Object.keys(figures).map((name) => name.split(" ")[0]));
    expect([...groups]).toEqual(["attribute", "number", "all"]);
    const metric = amberQuestions();
    const table = metric.table(
      some.map((one) => metric.read({ answer: one.response }, { fields: { question: one } })),
      {
        figures,
        intervals: {},
      },
    );
    expect(renderTable(table)).toMatch(/number +60\.6 +65\.9 +61\.8 +63\.8 +.* 2072/);
  });
});

describe("replies", () => {
  it.each(["yes", "No.", " No", "No\n", "", "Yes, No", "NO"])("%j is neither, and wrong", (response) => {
    const [reply] = amberQuestions.score([{ ...questions[0]!, response }], { resamples: 1 }).replies;
    expect(reply).toMatchObject({ said: "other", correct: false });
  });

  it("are read of an experiment's records as of a file", () => {
    const { items, prompt } = amberQuestionData({ annotations: folder });
    expect([items.length, prompt, items[0]!.question]).toEqual([
      ...[14216, "{question}", "Is the sky sunny in this image?"],
    ]);
    const metric = amberQuestions();
    const part = metric.read({ answer: "Yes" }, items[0]!);
    expect(metric.judge(part)).toEqual({
      ...{ key: "1005", unit: "AMBER_1.jpg Is the sky sunny in this image?", image: "AMBER_1.jpg" },
      ...{ right: true, figures: { accuracy: 1 } },
    });
  });

  it("are refused where there are none, or some are missing", () => {
    expect(() => amberQuestions.score([])).toThrow("There is no reply to score.");
    const file = fixtureFile("amber/responses.3.json");
    expect(() => readAmberResponses(file, questions)).toThrow(/11427 of 14216 queries have no response/);
  });
});

describe("AMBER's questions", () => {
  const query = { id: 1005, image: "a.jpg", query: "Is it?" };
  const annotation = { id: 1005, type: "relation", truth: "no" };
  const annotations = { "annotations.json": [annotation] };
  const all = { "query_discriminative.json": [query], ...annotations };

  it("are those of all its files, each once", () => {
    const part = { "query_discriminative-relation.json": [query], ...annotations };
    const expected = [{ ...query, type: "relation", truth: "no" }];
    expect(readAmberQuestions(folderOf(part))).toEqual(expected);
    expect(readAmberQuestions(folderOf({ ...part, ...all }))).toEqual(expected);
  });

  it.each([
    ["no queries", annotations, /There is no query_discriminative\.json in/],
    [
      "another type",
      { ...all, "annotations.json": [{ ...annotation, type: "generative" }] },
      /item 1: id 1005 asks yes or no; expected the truth, yes or no, and a type, one of d/,
    ],
    [
      "another truth",
      { ...all, "annotations.json": [{ ...annotation, truth: "No" }] },
      /id 1005 asks yes or no/,
    ],
    [
      "two of an id",
      { ...all, "query_discriminative-relation.json": [{ ...query, query: "Is she?" }] },
      /id 1005 asks something else than in another file/,
    ],
  ])("are refused: %s", (_, files, message) => {
    expect(() => readAmberQuestions(folderOf(files))).toThrow(message);
  });
});

/** As its authors define it, but for the rounding of precision and recall. */
function f1(replies: readonly ScoredReply[]): number {
  const count = (of: (one: ScoredReply) => boolean) => replies.filter(of).length + 0.001;
  const right = count(({ said, truth }) => said === "no" && truth === "no") - 0.001;
  const precision = right / count(({ said }) => said === "no");
  const recall = right / count(({ truth }) => truth === "no");
  return (2 * precision * recall) / (precision + recall + 0.0001);
}
