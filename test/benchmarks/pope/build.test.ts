import { describe, expect, it } from "vitest";
import { build, negativeChooser } from "../../../src/benchmarks/pope/build";
import { type PopeQuestion, readPope } from "../../../src/benchmarks/pope/question_files";
import { fixture, fixtureFile } from "../../fixtures/unpack";

const groundTruth: Record<string, string[]> = JSON.parse(fixture("pope/coco_gt_objects.json"));
const choose = negativeChooser(Object.values(groundTruth));

describe("negatives against the official POPE files (500 images, 1,500 negatives a split)", () => {
  it("popular: all are the most frequent absent objects, as a set per image", () => {
    const images = official("popular");
    for (const { id, pairs } of images) {
      const used = new Set(groundTruth[id]);
      const ours = pairs.map(({ positive }) => {
        const [negative] = choose("popular", positive, used);
        used.add(negative!);
        return negative;
      });
      expect(ours.sort()).toEqual(pairs.map(({ negative }) => negative).sort());
    }
    expect(images).toHaveLength(500);
  });

  it("adversarial: each is among the most co-occurring absent objects", () => {
    let checked = 0;
    for (const { id, pairs } of official("adversarial")) {
      const used = new Set(groundTruth[id]);
      for (const { positive, negative } of pairs) {
        expect(choose("adversarial", positive, used)).toContain(negative);
        used.add(negative);
        checked++;
      }
    }
    expect(checked).toBe(1500);
  });

  it("random: each is absent", () => {
    for (const { id, pairs } of official("random")) {
      const used = new Set(groundTruth[id]);
      for (const { positive, negative } of pairs)
        expect(choose("random", positive, used)).toContain(negative);
    }
  });
});

describe("build", () => {
  const questions = build(groundTruth, { seed: 3 });
  const splits = groupBy(questions, ({ split }) => split);

  it("has the official counts, order and wording", () => {
    expect([...splits.keys()]).toEqual(["random", "popular", "adversarial"]);
    for (const split of splits.values()) {
      expect(split).toHaveLength(3000);
      expect(split.map(({ question_id }) => question_id)).toEqual(split.map((_, i) => i + 1));
      expect(split.map(({ label }) => label)).toEqual(split.map((_, i) => (i % 2 ? "no" : "yes")));
      expect(new Set(split.map(({ image }) => image)).size).toBe(500);
      for (const { text, label, image } of split) {
        const [, article, object] = /^Is there (an?) (.+) in the image\?$/.exec(text)!;
        expect(article).toBe("aeiou".includes(object![0]!) ? "an" : "a");
        expect(groundTruth[Number(/\d{12}/.exec(image)![0])]!.includes(object!)).toBe(label === "yes");
      }
    }
  });

  it("asks for the same positives in every split and never twice for an object of an image", () => {
    const positives = [...splits.values()].map((split) => split.filter(({ label }) => label === "yes"));
    const texts = positives.map((split) => split.map(({ image, text }) => image + text));
    expect(texts[1]).toEqual(texts[0]);
    expect(texts[2]).toEqual(texts[0]);
    for (const split of splits.values()) {
      expect(new Set(split.map(({ image, text }) => image + text)).size).toBe(3000);
    }
  });

  it("follows from its seed, whatever the order of the ground truth", () => {
    const backwards = Object.fromEntries(
      Object.entries(groundTruth).map(([id, objects]) => [id, [...objects].reverse()]),
    );
    expect(build(backwards, { seed: 3 })).toEqual(questions);
    expect(build(groundTruth, { seed: 4 })).not.toEqual(questions);
  });

  it("takes the images and the names it is given", () => {
    const truth = {
      a: ["cat", "dog", "apple"],
      b: ["bus", "kite", "oven"],
      c: ["tv", "bed", "sink"],
      d: ["cat"],
    };
    const objects = ["cat", "dog", "bus", "car", "bed", "cup"];
    const numbers = {
      7: objects.slice(0, 3),
      "00042": objects.slice(3),
      "1234567890123456789": objects.slice(1, 4),
    };
    expect(new Set(build(numbers, { splits: ["random"] }).map(({ image }) => image))).toEqual(
      new Set(["COCO_val2014_000000000007.jpg", "00042", "1234567890123456789"]),
    );
    const few = build(truth, { images: ["b", "a"], splits: ["random"], imageName: (id) => `${id}.png` });
    expect(few.map(({ image }) => image)).toEqual([...Array(6).fill("b.png"), ...Array(6).fill("a.png")]);
    expect(few.filter(({ text }) => /tv|bed|sink/.test(text))).toEqual([]);
  });

  it("says why it cannot", () => {
    expect(() => build({ a: ["cat"] })).toThrow("No image has the 3 objects");
    expect(() => build({ a: ["cat", "dog", "bus"], b: ["tv"] }, { images: ["b"] })).toThrow(
      "at least 3 objects: b.",
    );
    expect(() => build({ a: ["cat", "dog", "bus"] })).toThrow("Image a: there is no object left");
  });
});

interface ImageNegatives {
  id: string;
  pairs: { positive: string; negative: string }[];
}

function official(split: string): ImageNegatives[] {
  const byImage = groupBy(readPope(fixtureFile(`pope/coco_pope_${split}.json`)), ({ image }) => image);
  const object = ({ text }: PopeQuestion) => /^Is there an? (.+) in the image\?$/.exec(text)![1]!;
  return [...byImage].map(([image, asked]) => ({
    id: String(Number(/\d{12}/.exec(image)![0])),
    pairs: [0, 2, 4].map((i) => ({ positive: object(asked[i]!), negative: object(asked[i + 1]!) })),
  }));
}

function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
