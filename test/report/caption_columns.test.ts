import { expect, test } from "vitest";
import { markCaption } from "../../src/benchmarks/chair/mark_caption";
import { breakLines, sideBySide, wordsOf } from "../../src/report/caption_columns";

const caption = "A dog and a wine glass. The knives shine.";
const parts = markCaption(caption, ["dog", "knife"]);

test("object words are marked by what is in the image", () => {
  expect(parts.filter(({ mark }) => mark)).toEqual([
    { text: "dog", mark: "supported" },
    { text: "wine glass", mark: "hallucinated" },
    { text: "knives", mark: "supported" },
  ]);
  expect(parts.map(({ text }) => text).join("")).toBe(caption);
});

test.each([7, 12, 20, 80])("lines of %d characters lose no word and no space between words", (width) => {
  const lines = breakLines(wordsOf(parts), width).map((line) => line.map(({ text }) => text).join(""));
  expect(lines.join(" ")).toBe(caption);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width + 1);
});

test.each([
  ["in Chinese", "图中有一只棕色的狗，站在一把红色的椅子旁边。", 20],
  ["without spaces", `A ${"-".repeat(50)} dog.`, 16],
])("a caption %s is cut into lines", (_, text, width) => {
  const lines = breakLines(wordsOf([{ text }]), width).map((line) => line.map(({ text }) => text).join(""));
  expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
  const longest = /\p{Script=Han}/u.test(text) ? width / 2 : width;
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(longest + 1);
});

test("without colour what is not there stands in brackets", () => {
  const lines = sideBySide(
    [
      { title: "plain", parts },
      { title: "AAI", parts: [{ text: "A dog." }] },
    ],
    { colour: false, width: 64 },
  );
  expect(lines).toEqual([
    "plain                             AAI",
    "A dog and a [[wine glass]].       A dog.",
    "The knives shine.",
  ]);
});
