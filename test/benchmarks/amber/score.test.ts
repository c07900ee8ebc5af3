import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random";
import { amber, compare, readAmberImages, readAmberResponses } from "../../../src/benchmarks";
import { amberDescriptions } from "../../../src/benchmarks/amber/data";
import type { AmberDescription } from "../../../src/benchmarks/amber/description";
import { amberFigures } from "../../../src/benchmarks/amber/figures";
import { amberNouns } from "../../../src/benchmarks/amber/nouns";
import { figureCell } from "../../../src/benchmarks/tables";
import { fixture, fixtureFile, temporaryFile } from "../../fixtures/unpack";
import { amberFolder, answeredIn, folderOf, percentile } from "./files";

const folder = amberFolder();
const images = readAmberImages(folder);
const bits = (flags: readonly boolean[]) => flags.map(Number).join("");
const read = (set: number) =>
  readAmberResponses(fixtureFile(`amber/responses.${set}.json`), answeredIn(set, images));

describe.each([1, 2, 3])("set %i of made-up responses (golden: AMBER's inference.py)", (set) => {
  const responses = read(set);
  const golden = JSON.parse(fixture(`amber/golden.${set}.json`));
  const details = fixture(`amber/details.${set}.jsonl`)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

  it.each([
    ["exact", "exact"],
    ["lmms-eval", "md"],
  ] as const)("reads every response alike, %s", (similarity, variant) => {
    const { figures, descriptions } = amber.score(responses, { similarity, bootstrap: { resamples: 1 } });
    const one = ({ id, nouns, covered, imagined, flagged }: AmberDescription) => {
      return { id, kept: nouns, bits: [bits(covered), bits(imagined), bits(flagged)] };
    };
    const byId = new Map(descriptions.map((description) => [description.id, one(description)]));
    expect(descriptions).toHaveLength(details.length);
    for (const { id, kept, [variant]: expected } of details)
      expect(byId.get(id)).toEqual({ id, kept, bits: expected });
    for (const [name, value] of Object.entries(golden[variant].printed["Generative Task"] as object)) {
      expect(figureCell(amberFigures[name]!, figures[name])).toBe(value.toFixed(1));
      expect(100 * figures[name]!).toBeCloseTo(golden[variant].unrounded[name], 10);
    }
  });
});

describe("figures", () => {
  const result = amber.score(read(3));

  it("have intervals over images: those of a naive bootstrap, image by image", () => {
    const counts = result.descriptions.map(({ flagged }) => [flagged.filter(Boolean).length, flagged.length]);
    const random = seededRandom(1);
    const drawn = Array.from({ length: 3000 }, () => {
      const sample = counts.map(() => counts[random.below(counts.length)]!);
      const sum = (i: number) => sample.reduce((total, one) => total + one[i]!, 0);
      return sum(0) / (sum(1) + 0.001);
    });
    const [low, high] = result.intervals.CHAIR!;
    expect(Math.abs(low - percentile(drawn, 0.025))).toBeLessThan(0.002);
    expect(Math.abs(high - percentile(drawn, 0.975))).toBeLessThan(0.002);
  });

  it("compare, image by image", () => {
    const silent = amber.score(answeredIn(3, images).map((image) => ({ ...image, response: "Nothing." })));
    const { b, pValues, broken, fixed, tested } = compare(result, silent, { resamples: 10 });
    expect(b).toEqual({ CHAIR: 0, Cover: 0, Hal: 1 - 596 / 596.001, Cog: 0 });
    expect(fixed).toHaveLength(596 - 72); // golden: 72 responses without a flag
    expect(broken).toEqual([]);
    expect(pValues.wilcoxon).toBeLessThan(1e-20);
    expect(tested).toEqual({
      mcnemar: "descriptions with a hallucination",
      wilcoxon: "CHAIR of every image",
    });
    const other = amber.score(read(3), { similarity: "lmms-eval", bootstrap: { resamples: 1 } });
    expect(() => compare(result, other)).toThrow(/scored differently: similarity: "exact" → "lmms-eval"/);
  });

  it("are read of an experiment's records as of a file", () => {
    const { items, prompt } = amberDescriptions({ annotations: folder });
    const metric = amber();
    const image = items[0]!;
    expect([prompt, image.image, image.path]).toEqual(["Describe this image.", "AMBER_1.jpg", undefined]);
    const answer = "The sky above a lake, a dog and a sun.";
    const part = metric.read({ answer }, image);
    expect(part).toEqual(amber.score([{ ...images[0]!, response: answer }]).descriptions[0]);
    expect(metric.judge(part)).toEqual({
      ...{ key: "AMBER_1.jpg", unit: "AMBER_1.jpg", image: "AMBER_1.jpg", right: false },
      figures: { CHAIR: 2 / 4, Cover: 2 / 7, Hal: 1, Cog: 2 / 5 },
    });
    expect(metric.description).toEqual({ metric: "amber", similarity: "exact" });
  });
});

describe("reading", () => {
  it.each([
    ["Trees line the road. DOG! A TV.", ["line", "road", "TV"]],
    ["", []],
    ["Men wash vases.", []],
    ["The dog… 犬 🐕 the dog\u00a0<b>dog</b> \ud800 dog", ["dog", "dog", "dog"]],
  ])("%s", (text, nouns) => {
    expect(amberNouns(text)).toEqual(nouns);
  });
});

describe("similar words of one's own", () => {
  const [image] = images;
  const table = temporaryFile("similar.json", '{"pairs": [["dog", "sky", 0.81], ["cat", "sky", 0.8]]}');
  const flagged = (response: string) =>
    amber.score([{ ...image!, response }], { similarity: "official", similarWords: table }).descriptions[0]!
      .flagged;

  it("count above 0.8, both ways", () => {
    expect(flagged("A dog and a cat.")).toEqual([false, true]);
    const { description } = amber({ similarity: "official", similarWords: table });
    expect(description).toEqual({ metric: "amber", similarity: "official", similarWords: table });
  });

  it.each([
    ["no file", { similarity: "official" as const }, /"official" needs similarWords/],
    ["a needless file", { similarWords: table }, /changes nothing of the similarity "exact"/],
    ["a missing file", official("none.json"), /There is no file none\.json/],
    ["no JSON", official(temporaryFile("s.json", "{")), /s\.json: not JSON/],
    ["another table", official(temporaryFile("s.json", '{"pairs": [["dog"]]}')), /expected \{"pairs"/],
    [
      "unknown words",
      official(temporaryFile("s.json", '{"pairs": [["dog", "unicorn", 1]]}')),
      /"unicorn" is none of AMBER's 418 words/,
    ],
  ])("are refused: %s", (_, options, message) => {
    expect(() => amber(options)).toThrow(message);
  });

  function official(similarWords: string) {
    return { similarity: "official" as const, similarWords };
  }
});

describe("AMBER's files", () => {
  const query = { id: 1, image: "a.jpg", query: "Describe this image." };
  const annotation = { id: 1, type: "generative", truth: ["sky"], hallu: ["dog"] };
  const queries = { "query_generative.json": [query] };

  it("are found in the folder of its repository, too", () => {
    expect(readAmberImages(folder)).toHaveLength(1004);
    const nested = { "query/query_generative.json": [query], "annotations.json": [annotation] };
    expect(readAmberImages(folderOf(nested))).toEqual([{ ...query, truth: ["sky"], hallu: ["dog"] }]);
  });

  it.each([
    ["no queries", { "annotations.json": [annotation] }, /There is no query_generative\.json in/],
    ["no annotations", queries, /There is no file .*annotations\.json/],
    ["what is not JSON", { ...queries, "annotations.json": "[{" }, /annotations\.json: not a JSON list/],
    [
      "a query without annotation",
      { ...queries, "annotations.json": [{ ...annotation, id: 2 }] },
      /1 queries of .* have no annotation in annotations\.json: id 1\./,
    ],
    [
      "an id twice",
      { ...queries, "annotations.json": [annotation, annotation] },
      /annotations\.json, item 2: id 1 stands there twice/,
    ],
    [
      "a question's annotation",
      { ...queries, "annotations.json": [{ ...annotation, truth: "yes" }] },
      /item 1: id 1 asks for a description; expected lists of words/,
    ],
    [
      "a query without image",
      { "query_generative.json": [{ id: 1 }], "annotations.json": [annotation] },
      /item 1: expected a query/,
    ],
    [
      "an id that is no number",
      { "query_generative.json": [{ ...query, id: "1" }], "annotations.json": [annotation] },
      /the id is "1"; expected a whole number/,
    ],
  ])("are refused: %s", (_, files, message) => {
    expect(() => readAmberImages(folderOf(files))).toThrow(message);
  });

  it("are refused where there are none, or not the images", () => {
    expect(() => readAmberImages("nowhere")).toThrow(
      "There is no folder nowhere; expected that of AMBER's files.",
    );
    expect(() => readAmberImages(temporaryFile("a.json", ""))).toThrow(/There is no folder .*a\.json/);
    expect(() => amberDescriptions({ annotations: folder, images: folder })).toThrow(
      /1004 images that the questions name are not in/,
    );
  });
});

describe("responses", () => {
  const of = (responses: unknown, queries = images.slice(0, 2)) =>
    readAmberResponses(temporaryFile("r.json", JSON.stringify(responses)), queries);
  const first = { id: 1, response: "A dog." };

  it("are joined by id; those to other queries are left out", () => {
    const joined = of([{ id: 1005, response: "Yes" }, { id: 2, response: "" }, first]);
    expect(joined.map(({ id, response }) => [id, response])).toEqual([
      [1, "A dog."],
      [2, ""],
    ]);
  });

  it.each([
    ["missing ones", [first], /1 of 2 queries have no response \(id 2\)/],
    ["an id twice", [first, first], /item 2: id 1 again/],
    ["no text", [{ id: 1, response: null }], /item 1: the response to id 1 is null; expected a string/],
    ["no response", [{ id: 1 }], /the response to id 1 is not there/],
    ["an id beyond", [{ id: 15221, response: "" }], /id 15221 has no annotation; AMBER's ids are 1 to 15220/],
    ["an id in quotes", [{ id: "1", response: "" }], /id "1" has no annotation/],
    ["no id", [{ response: "" }], /item 1: the id is undefined/],
  ])("are refused: %s", (_, responses, message) => {
    expect(() => of(responses)).toThrow(message);
  });

  it("are refused where there are none, or two of an image", () => {
    expect(() => amber.score([])).toThrow("There is no response to score.");
    const [one] = of([first], images.slice(0, 1));
    expect(() => amber.score([one!, one!])).toThrow("There are 2 responses about 1 images");
  });
});
