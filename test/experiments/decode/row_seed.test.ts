import { expect, test } from "vitest";
import { withRowSeed } from "../../../src/experiments/decode/row_seed";
import { beam, sample } from "../../../src/methods";

const seedOf = (image: string, prompt: string, seed = 0) => {
  const search = withRowSeed(sample({ seed }), { image, prompt });
  return search.method === "sample" ? search.seed : undefined;
};

test("images and prompts are sampled independently; folders, edits and runs do not matter", () => {
  expect(seedOf("a/1.jpg", "What?")).toBe(seedOf("elsewhere/1.jpg", "What?"));
  const seeds = [
    seedOf("1.jpg", "What?"),
    seedOf("2.jpg", "What?"),
    seedOf("1.jpg", "Where?"),
    seedOf("1.jpg", "What?", 1),
  ];
  expect(new Set(seeds).size).toBe(4);
  expect(seedOf("1.jpg", "What?", 2 ** 31 - 1)).toBeLessThan(2 ** 31);
});

test("the seed is one that Python's CRC-32 gives, too", () => {
  // python -c 'import zlib; print((5 + zlib.crc32(b"1.jpg\nWhat?")) % 2**31)'
  expect(seedOf("1.jpg", "What?", 5)).toBe(434184480);
});

test("a search without chance stays as it is", () => {
  const search = beam();
  expect(withRowSeed(search, { image: "1.jpg", prompt: "What?" })).toBe(search);
});
