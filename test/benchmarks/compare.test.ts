import { describe, expect, it } from "vitest";
import { type ChairSentence, chair, compare, pope, verdict } from "../../src/benchmarks";
import { fixture } from "../fixtures/unpack";

const captions: { image_id: number; caption: string }[] = fixture("chair/llava-1.5.greedy.jsonl")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const groundTruth = JSON.parse(fixture("chair/coco_gt_objects.json"));
const quick = { resamples: 1 };

describe("compare (CHAIR)", () => {
  const plain = chair.score(captions, groundTruth, { bootstrap: quick });
  // Every third caption without its hallucinated mentions, and the list backwards: order must not matter.
  const better = {
    ...plain,
    sentences: plain.sentences
      .map((sentence, i) => (i % 3 === 0 ? withoutHallucination(sentence) : sentence))
      .reverse(),
  };
  const comparison = compare(plain, better);

  it("gives the difference and SciPy's paired interval", () => {
    // scipy.stats.bootstrap((h, m, h2, m2), h2.sum()/m2.sum() - h.sum()/m.sum(), paired=True, n_resamples=100000,
    // method="percentile") = [-0.05248, -0.03092]
    expect(comparison.differences.CHAIRi).toBeCloseTo(-0.041270891218444086, 12);
    expect(Math.abs(comparison.intervals.CHAIRi![0] + 0.05248)).toBeLessThan(0.0005);
    expect(Math.abs(comparison.intervals.CHAIRi![1] + 0.03092)).toBeLessThan(0.0005);
  });

  it("names what was fixed and what was broken", () => {
    const changed = plain.sentences.filter(({ metrics }, i) => i % 3 === 0 && metrics.CHAIRs === 1);
    expect(comparison.fixed).toEqual(changed.map(({ image_id }) => String(image_id)));
    expect(comparison.broken).toEqual([]);
    expect(comparison.pValues.mcnemar).toBeCloseTo(2 * 0.5 ** changed.length, 15);
    expect(compare(better, plain).broken.sort()).toEqual([...comparison.fixed].sort());
  });

  it("says it in a sentence", () => {
    expect(verdict(comparison, "CHAIRi", "AAI")).toMatch(
      /^AAI changed CHAIRi by −4\.1 \[−5\.\d, −3\.\d\]: distinguishable on 500 images$/,
    );
    const same = compare(plain, plain, { resamples: 100 });
    expect(verdict(same, "CHAIRs", "AAI")).toBe(
      "AAI changed CHAIRs by 0.0 [0.0, 0.0]: not distinguishable on 500 images",
    );
    expect(() => verdict(same, "CHAIRx", "AAI")).toThrow('no metric "CHAIRx"');
  });

  it("refuses runs on different images", () => {
    const fewer = { ...plain, sentences: plain.sentences.slice(1) };
    expect(() => compare(plain, fewer)).toThrow(
      "not about the same images: 1 are only in the first, 0 only in the second",
    );
  });
});

describe("compare (POPE)", () => {
  const question = (image: number, object: string, split: string, id: number) => ({
    ...{ question_id: id, image: `${image}.jpg`, text: `Is there a ${object} in the image?`, split },
    label: "yes" as const,
  });

  it("counts questions, by images", () => {
    const answers = (replies: string[]) =>
      replies.map((answer, i) => ({ ...question(i >> 1, `dog ${i}`, "popular", i), answer }));
    const a = pope.score(answers(["yes", "no", "no", "no"]), "exact", quick);
    const b = pope.score(answers(["no", "yes", "yes", "no"]), "exact", quick);
    const result = compare(a, b);
    expect(result.images).toBe(2);
    expect(result.questions).toEqual({ asked: 4, distinct: 4 });
    expect(result.differences["popular accuracy"]).toBe(0.25);
    expect(result.fixed).toEqual([
      "0.jpg Is there a dog 1 in the image?",
      "1.jpg Is there a dog 2 in the image?",
    ]);
    expect(result.broken).toEqual(["0.jpg Is there a dog 0 in the image?"]);
    expect(result.pValues.mcnemar).toBe(1);
    expect(verdict(result, "popular accuracy", "B")).toMatch(/ on 2 images \(4 questions\)$/);
  });

  /** POPE's shape: an image's three positives are asked in all splits, its three negatives are each split's own. */
  const asked = (images: number, isRight: (image: number, kind: number, place: number) => boolean) => {
    let id = 0;
    const lines = Array.from({ length: images }, (_, image) =>
      ["random", "popular", "adversarial"].flatMap((split, s) =>
        [0, s + 1].flatMap((kind) =>
          [0, 1, 2].map((place) => ({
            ...question(image, `thing ${kind}${place}`, split, id++),
            answer: isRight(image, kind, place) ? "yes" : "no",
          })),
        ),
      ),
    );
    return pope.score(lines.flat(), "exact", quick);
  };

  it("counts a question that three splits ask once: SciPy's values on distinct questions", () => {
    const a = asked(24, (i, kind, j) => (i * 5 + j * 3 + kind * 2) % 4 !== 0);
    const b = asked(24, (i, kind, j) => (i * 7 + j * 2 + kind * 3) % 5 !== 0);
    const result = compare(a, b);
    expect(result.questions).toEqual({ asked: 24 * 18, distinct: 24 * 12 });
    expect([result.fixed.length, result.broken.length]).toEqual([58, 44]);
    // SciPy 1.17.1: binomtest(44, 58 + 44).pvalue, and wilcoxon(d, zero_method="wilcox", correction=False).pvalue with d
    // the images' mean differences over 12 distinct questions. Over all 18 lines they are 0.086 and 0.049.
    expect(result.pValues.mcnemar).toBeCloseTo(0.1977898630680834, 12);
    expect(result.pValues.wilcoxon).toBeCloseTo(0.016625869916695284, 12);
    expect(verdict(result, "mean accuracy", "B")).toMatch(/ on 24 images \(288 distinct questions of 432\)$/);
    expect(result.tested).toEqual({
      mcnemar: "right answers, 288 distinct questions of 432",
      wilcoxon: "accuracy of every image, each of its distinct questions once",
    });
  });

  it("three broken positives are three, not nine", () => {
    const isBroken = (i: number, kind: number, j: number) => i < 3 && kind === 0 && j === 0;
    const plain = asked(30, () => true);
    const other = asked(30, (i, kind, j) => !isBroken(i, kind, j));
    const { broken, pValues, differences } = compare(plain, other);
    expect(broken).toEqual([0, 1, 2].map((i) => `${i}.jpg Is there a thing 00 in the image?`));
    expect(pValues.mcnemar).toBeCloseTo(0.25, 12); // binomtest(0, 3); of nine it would be 0.0039
    expect(differences["random accuracy"]).toBeCloseTo(-3 / 180, 12); // each split has all of its lines
  });

  it("takes the same copy in both runs where copies were answered differently, in whatever order they stand", () => {
    const copies = (replies: [string, string][]) =>
      pope.score(
        replies.map(([split, answer], i) => ({ ...question(0, "dog", split, i), answer })),
        "exact",
        quick,
      );
    const a = copies([
      ["random", "no"],
      ["popular", "yes"],
    ]);
    const b = copies([
      ["popular", "yes"],
      ["random", "no"],
    ]);
    expect(compare(a, b)).toMatchObject({ fixed: [], broken: [], pValues: { mcnemar: 1, wilcoxon: null } });
  });

  it("refuses runs on other splits: their means are of other lines", () => {
    const [a, b] = ["random", "popular"].map((split) =>
      pope.score([{ ...question(0, "dog", split, 0), answer: "yes" }], "exact", quick),
    );
    expect(() => compare(a!, b!)).toThrow("not about the same questions: 1 are only in the first");
  });
});

function withoutHallucination(sentence: ChairSentence): ChairSentence {
  const wrong = new Set(sentence.mscoco_hallucinated_words.map(([, object]) => object));
  return {
    ...sentence,
    mscoco_hallucinated_words: [],
    mscoco_generated_words: sentence.mscoco_generated_words.filter((object) => !wrong.has(object)),
    metrics: { ...sentence.metrics, CHAIRs: 0, CHAIRi: 0 },
  };
}
