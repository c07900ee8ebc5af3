import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sumUp } from "../../../src/benchmarks/benchmark";
import { opope } from "../../../src/benchmarks/opope";
import { opopeCaptions } from "../../../src/benchmarks/opope/data";
import { OPOPE_RULES, type OpopeRule } from "../../../src/benchmarks/opope/said";
import { fixture } from "../../fixtures/unpack";

const folder = mkdtempSync(join(tmpdir(), "opope-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Questions about the objects of CHAIR's images: the first three classes of each, and three that are not there. */
function questionsAbout(ids: readonly string[], truth: Record<string, string[]>): string {
  const classes = [...new Set(Object.values(truth).flat())].sort();
  const lines = ids.flatMap((id, image) => {
    const present = [...truth[id]!].sort().slice(0, 3);
    const absent = classes.filter((one) => !truth[id]!.includes(one)).slice(image % 20, (image % 20) + 3);
    return [...present, ...absent].map((object, i) => ({
      question_id: 6 * image + i,
      image: `COCO_val2014_${id.padStart(12, "0")}.jpg`,
      text: `Is there ${/^[aeiou]/.test(object) ? "an" : "a"} ${object} in the image?`,
      label: present.includes(object) ? "yes" : "no",
    }));
  });
  const file = join(folder, "coco_pope_random.json");
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  return file;
}

test("captions answer as CHAIR's golden classes of the same captions say", () => {
  const truth: Record<string, string[]> = JSON.parse(fixture("chair/coco_gt_objects.json"));
  const golden: { image_id: number; generated: string[] }[] = JSON.parse(
    fixture("chair/llava-1.5.greedy.golden.json"),
  );
  const generated = new Map(golden.map((one) => [String(one.image_id), one.generated]));
  const captions = fixture("chair/llava-1.5.greedy.jsonl")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { image_id: number; caption: string });
  const ids = captions.map(({ image_id }) => String(image_id)).filter((id) => truth[id]!.length >= 3);
  const { items } = opopeCaptions({ questions: [questionsAbout(ids, truth)] });
  const captionOf = new Map(captions.map(({ image_id, caption }) => [String(image_id), caption]));
  const parts = items.map((item) => opope().read({ answer: captionOf.get(item.id)! }, item));
  const { figures } = sumUp(opope(), parts, { resamples: 10 });

  let [yes, rightYes, wrongYes] = [0, 0, 0];
  for (const item of items)
    for (const { object, label } of item.reference as { object: string; label: string }[]) {
      if (label === "yes") yes++;
      if (!generated.get(item.id)!.includes(object)) continue;
      if (label === "yes") rightYes++;
      else wrongYes++;
    }
  const [precision, recall] = [rightYes / (rightYes + wrongYes), rightYes / yes];
  expect(ids.length).toBeGreaterThan(200);
  expect(figures["random precision"]).toBeCloseTo(precision, 12);
  expect(figures["random recall"]).toBeCloseTo(recall, 12);
  expect(figures["random F0.2"]).toBeCloseTo((1.04 * precision * recall) / (0.04 * precision + recall), 12);
});

test.each<[OpopeRule, string[]]>([
  ["class", ["car", "dining table"]],
  ["first-word", ["car"]],
  ["halc", ["car", "dining table", "cat"]],
])("%s reads what a caption says", (rule, said) => {
  const caption = "A dining table beside two cars, on scattered leaves.";
  expect([...OPOPE_RULES[rule].said(caption, ["car", "dining table", "cat", "person"])]).toEqual(said);
});

test("a caption is right where it says nothing absent that is asked about", () => {
  const item = {
    fields: { image_id: 1 },
    reference: [
      { key: "1", object: "car", label: "yes", split: "random" },
      { key: "2", object: "cat", label: "no", split: "random" },
    ],
  };
  const judge = (answer: string) => opope().judge(opope().read({ answer }, item));
  expect(judge("A street.")).toMatchObject({ right: true, figures: { accuracy: 0.5 } });
  expect(judge("A car and a cat.")).toMatchObject({ right: false, figures: { accuracy: 0.5 } });
});

test("a question that names no object is refused", () => {
  const file = join(folder, "odd.json");
  writeFileSync(file, JSON.stringify({ question_id: 1, image: "a.jpg", text: "What is it?", label: "no" }));
  expect(() => opopeCaptions({ questions: [file] })).toThrow('"What is it?" names no object');
});
