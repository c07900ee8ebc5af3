import { describe, expect, it } from "vitest";
import { type ChairSentence, chair, compare, pope, verdict } from "../../src/metrics";
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
  const answers = (replies: string[]) =>
    replies.map((answer, i) => ({
      ...{ question_id: i, image: `${i >> 1}.jpg`, text: "Is there a dog in the image?", split: "popular" },
      ...{ label: "yes" as const, answer },
    }));

  it("counts questions, by images", () => {
    const a = pope.score(answers(["yes", "no", "no", "no"]), "exact", quick);
    const b = pope.score(answers(["no", "yes", "yes", "no"]), "exact", quick);
    const result = compare(a, b);
    expect(result.images).toBe(2);
    expect(result.differences["popular accuracy"]).toBe(0.25);
    expect(result.fixed).toEqual(["popular 1 0.jpg", "popular 2 1.jpg"]);
    expect(result.broken).toEqual(["popular 0 0.jpg"]);
    expect(result.pValues.mcnemar).toBe(1);
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
