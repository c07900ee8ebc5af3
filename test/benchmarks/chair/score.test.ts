import { describe, expect, it } from "vitest";
import { readCaptions } from "../../../src/benchmarks/chair/captions";
import { chairMetric } from "../../../src/benchmarks/chair/metric";
import { mentions } from "../../../src/benchmarks/chair/reading/mentions";
import { objectLexicon } from "../../../src/benchmarks/chair/reading/objects";
import { score } from "../../../src/benchmarks/chair/score";
import { fixture, fixtureFile } from "../../fixtures/unpack";

const captions = readCaptions(fixtureFile("chair/llava-1.5.greedy.jsonl"));
const groundTruth = JSON.parse(fixture("chair/coco_gt_objects.json"));
const golden: { image_id: number; generated: string[]; hallucinated: string[]; len: number }[] = JSON.parse(
  fixture("chair/llava-1.5.greedy.golden.json"),
);
const result = score(captions, groundTruth);

describe("CHAIR of OPERA's LLaVA-1.5 captions (golden: PAI's chair.py)", () => {
  it("finds the same classes in every caption, and calls the same ones hallucinated", () => {
    result.sentences.forEach((sentence, i) => {
      expect(sentence.image_id).toBe(golden[i]!.image_id);
      expect(sentence.mscoco_generated_words).toEqual(golden[i]!.generated);
      expect(sentence.mscoco_hallucinated_words.map(([, object]) => object)).toEqual(golden[i]!.hallucinated);
    });
  });

  it("counts the same words but where the golden file's sentences were not split by Punkt", () => {
    const different = result.sentences.filter(({ words }, i) => words.length !== golden[i]!.len);
    expect(different.map(({ image_id }) => image_id)).toEqual([428769, 125997, 350988, 372246]);
  });

  it("gives the same overall figures", () => {
    const printed = Object.entries(result.overall_metrics).map(([name, value]) => [
      name,
      (100 * value!).toFixed(2),
    ]);
    expect(Object.fromEntries(printed)).toMatchObject({
      ...{ CHAIRs: "45.00", CHAIRi: "12.73", Recall: "80.38", Precision: "76.18", F1: "78.22", Len: "96.87" },
    });
  });

  it("gives SciPy's percentile intervals", () => {
    // scipy.stats.bootstrap(..., paired=True, n_resamples=100000, method="percentile"): statistic
    // hallucinated.sum() / mentions.sum(): [0.11242, 0.14267]; mean of (hallucinated > 0): [0.406, 0.494]
    const [low, high] = result.intervals.CHAIRi!;
    expect(low).toBeCloseTo(0.1124, 2.8);
    expect(high).toBeCloseTo(0.1427, 2.8);
    expect(Math.abs(result.intervals.CHAIRs![0] - 0.406)).toBeLessThan(0.004);
    expect(Math.abs(result.intervals.CHAIRs![1] - 0.494)).toBeLessThan(0.004);
  });

  it("marks every mention where it stands", () => {
    for (const {
      caption,
      mentions,
      words,
      hallucination_idxs,
      mscoco_hallucinated_words,
    } of result.sentences) {
      expect(hallucination_idxs.map((i) => words[i])).toEqual(
        mscoco_hallucinated_words.map(([word]) => word),
      );
      for (const { word, start, end } of mentions) {
        expect(caption.slice(start, end).toLowerCase()).toContain(word[0]);
        expect(caption.slice(start, end).trim()).toHaveLength(end - start);
      }
    }
  });
});

describe("caption -> classes (worked by hand from PAI's rules; confirmed with NLTK and WordNet 3.0)", () => {
  const table: [caption: string, pai: string, noun?: string][] = [
    [
      "A man seated at a dining table wears a bow tie and eats hot dogs.",
      "person, chair, dining table, tie, hot dog",
      "person, dining table, tie, hot dog",
    ],
    ["A baby elephant follows an adult elephant past a passenger train.", "elephant, elephant, train"],
    ["She is skiing while a dog is tied to a bench.", "skis, dog, tie, bench", "dog, bench"],
    [
      "Wine glasses, knives and a laptop computer are on the table.",
      "wine glass, knife, laptop, dining table",
    ],
    ["A motor bike, a scooter and a train track.", "motorcycle"],
    ["A cheesecake next to a stop sign.", "stop sign"],
    ["Two men are standing near the toilet seat.", "toilet"],
    ["A tennis player holds a tennis racket and hits the ball.", "person, tennis racket, sports ball"],
    ["An orange cat on an orange couch.", "orange, cat, orange, couch"],
    ["The TV and the iPhone are on the desk.", "tv, dining table"],
  ];
  const classes = (caption: string, scorer: "pai" | "noun") =>
    mentions(caption, { scorer })
      .map(({ object }) => object)
      .join(", ");

  it.each(table)("%s", (caption, pai, noun = pai) => {
    expect(classes(caption, "pai")).toBe(pai);
    expect(classes(caption, "noun")).toBe(noun);
  });

  it("counts words with pairs merged and punctuation", () => {
    const words = (caption: string) => score([{ image_id: 1, caption }], { 1: [] }).sentences[0]!.words;
    expect(words(table[0]![0])).toHaveLength(14);
    expect(words(table[1]![0])).toHaveLength(9);
  });

  it("gives offsets into the caption as written, whatever lower case does to it", () => {
    const caption = "In İstanbul, two “Hot Dogs” 😀 lie on a TABLE.";
    const marked = mentions(caption).map(({ start, end }) => caption.slice(start, end));
    expect(marked).toEqual(["Hot Dogs", "TABLE"]);
  });
});

describe("options", () => {
  it("scores another object list", () => {
    const objects = objectLexicon("kitchen", { kettle: ["tea kettle"], whisk: ["egg beater", "beater"] });
    const caption = "Two tea kettles, an egg beater and a dog.";
    const { sentences } = score([{ image_id: "a", caption }], { a: ["kettle"] }, { objects });
    expect(sentences[0]!.mscoco_generated_words).toEqual(["kettle", "whisk"]);
    expect(sentences[0]!.mscoco_hallucinated_words).toEqual([["egg beater", "whisk"]]);
  });

  it("drops the unfinished last sentence", () => {
    const scored = (caption: string) =>
      score([{ image_id: 1, caption }], { 1: [] }, { dropUnfinishedSentence: true }).sentences[0]!.caption;
    expect(scored("A cat sits. It is 5 p.m. and a dog")).toBe("A cat sits.");
    expect(scored('A sign says "stop." A dog')).toBe('A sign says "stop."');
    expect(scored("A cat sits.")).toBe("A cat sits.");
    expect(scored("A cat sits on a")).toBe("");
  });

  it("drops it from captions that the limit cut, not from those that the model ended without a period", () => {
    const caption = "A cat sits. A dog on a mat";
    const scored = (finish_reason?: "stop" | "length") =>
      score([{ image_id: 1, caption, finish_reason }], { 1: [] }, { dropUnfinishedSentence: true })
        .sentences[0]!;
    expect(scored("stop").caption).toBe(caption);
    expect(scored("length").caption).toBe("A cat sits.");
    expect(scored().caption).toBe("A cat sits.");
    expect(score([{ image_id: 1, caption, finish_reason: "length" }], { 1: [] }).sentences[0]!.caption).toBe(
      caption,
    );
  });

  it("drops it in sweeps by what is recorded of the answer", () => {
    const metric = chairMetric({ dropUnfinishedSentence: true });
    const read = (finishReason: "stop" | "length") =>
      metric.read({ answer: "A cat on a mat", finishReason }, { fields: { image_id: 1 }, reference: [] });
    expect(read("stop").mscoco_generated_words).toEqual(["cat"]);
    expect(read("length").mscoco_generated_words).toEqual([]);
  });

  it("has null, not NaN, for what is not defined", () => {
    const { overall_metrics, intervals } = score([{ image_id: 1, caption: "Nothing here." }], { 1: [] });
    expect(overall_metrics).toMatchObject({
      CHAIRs: 0,
      CHAIRi: null,
      Recall: null,
      Precision: null,
      F1: null,
    });
    expect(intervals.CHAIRi).toBeNull();
  });
});

describe("refusals", () => {
  const one = { image_id: 1, caption: "A cat." };
  it("names images without ground truth", () => {
    const call = () => score([one, { ...one, image_id: 7 }, { ...one, image_id: 9 }], { 1: [] });
    expect(call).toThrow(
      "2 image ids have no ground truth; add them to the ground truth or leave their captions out: 7, 9.",
    );
  });
  it("names repeated images and unknown classes, and refuses no captions", () => {
    expect(() => score([one, one], { 1: [] })).toThrow("1 image ids have more than one caption");
    expect(() => score([one], { 1: ["sofa"] })).toThrow('The ground truth names "sofa"');
    expect(() => score([], {})).toThrow("no caption");
    expect(() => objectLexicon("x", { a: ["b"], c: ["b"] })).toThrow('"b" is in class "a" and in class "c"');
    expect(() => objectLexicon("x", { a: ["three word phrase"] })).toThrow("one or two words");
  });
});
