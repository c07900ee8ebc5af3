import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchmarkData, pope } from "../../src/index";

const splits = ["random", "popular", "adversarial"] as const;

/** POPE's question files, one a split: those in `<coco>/pope`, or else made about the images of the captions. */
export function questionFiles(coco: string, captions: BenchmarkData, out: string): string[] {
  const official = splits.map((split) => join(coco, "pope", `coco_pope_${split}.json`));
  if (official.every((file) => existsSync(file))) return official;
  const names = new Map(captions.items.map(({ image, fields }) => [String(fields.image_id), image]));
  const groundTruth = Object.fromEntries(
    captions.items.map(({ id, reference }) => [id, reference as readonly string[]]),
  );
  const eligible = Object.entries(groundTruth).filter(([, objects]) => objects.length >= 3);
  const questions = pope.build(groundTruth, {
    images: eligible.map(([id]) => id),
    seed: 0,
    imageName: (id) => names.get(id)!,
  });
  const folder = join(out, "questions");
  mkdirSync(folder, { recursive: true });
  return splits.map((split) => {
    const file = join(folder, `coco_pope_${split}.json`);
    const ofSplit = questions.filter((question) => question.split === split);
    writeFileSync(file, ofSplit.map(({ split: _, ...question }) => `${JSON.stringify(question)}\n`).join(""));
    return file;
  });
}
