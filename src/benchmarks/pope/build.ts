import { DataError } from "../../base/data_error";
import { type Random, seededRandom, shuffled } from "../../base/random";
import { someOf } from "../../base/some_of";
import type { GroundTruth } from "../chair/ground_truth";
import { POPE_SPLITS, type PopeQuestion } from "./question_files";

export type PopeSplit = (typeof POPE_SPLITS)[number];

export interface PopeBuildOptions {
  images?: number | readonly string[]; // how many (default 500, or all there are), or which; each needs >= 3 objects
  seed?: number; // default 0
  splits?: readonly PopeSplit[]; // default all three
  imageName?(id: string): string; // default COCO_val2014_000000123456.jpg for COCO's numbers, else the id
}

/**
 * POPE questions from any ground truth, as RUCAIBox/POPE makes them: per image three objects that are there and three
 * that are not, alternating; the same positives in every split. Frequencies and co-occurrences are counted on the chosen
 * images only. Unlike there, everything follows from the seed, and "an" does not turn the image into an "imange".
 */
export function build(groundTruth: GroundTruth, options: PopeBuildOptions = {}): PopeQuestion[] {
  const { images = 500, seed = 0, splits = POPE_SPLITS, imageName = cocoName } = options;
  const random = seededRandom(seed);
  const objects = chooseImages(groundTruth, images, random);
  const positives = objects.map(([, present]) => shuffled(present, random).slice(0, PER_IMAGE));
  const choose = negativeChooser(objects.map(([, present]) => present));
  return splits.flatMap((split) => {
    const questions = objects.flatMap(([id, present], i) => {
      const used = new Set(present);
      return positives[i]!.flatMap((positive) => {
        const choices = choose(split, positive, used);
        const negative = split === "random" ? choices[random.below(choices.length)] : choices[0];
        if (negative === undefined)
          throw new DataError(`Image ${id}: there is no object left to ask for that it lacks.`);
        used.add(negative);
        return [ask(positive, "yes"), ask(negative, "no")].map((one) => ({
          ...one,
          image: imageName(id),
          split,
        }));
      });
    });
    return questions.map((question, i) => ({ question_id: i + 1, ...question }));
  });
}

/**
 * The objects a split may ask for next to `positive`, none of them in `used` (what is in the image or was asked before):
 * random: any; popular: the most frequent; adversarial: those that occur most often together with the positive. Ties are
 * all returned, in alphabetical order (`build` takes the first, which is what the official popular file has).
 */
export function negativeChooser(
  images: readonly (readonly string[])[],
): (split: PopeSplit, positive: string, used: ReadonlySet<string>) => string[] {
  const all = [...new Set(images.flat())].sort();
  const frequency = count(images.flat());
  const together = new Map(
    all.map((object) => [object, count(images.filter((present) => present.includes(object)).flat())]),
  );
  return (split, positive, used) => {
    const free = all.filter((object) => !used.has(object));
    if (split === "popular") return mostFrequent(free, frequency);
    const companions = together.get(positive) ?? new Map<string, number>();
    return split === "adversarial" ? mostFrequent(free, companions) : free;
  };
}

const PER_IMAGE = 3;

function chooseImages(groundTruth: GroundTruth, images: number | readonly string[], random: Random) {
  const enough = Object.entries(groundTruth)
    .map(([id, present]): [string, string[]] => [id, [...new Set(present)].sort()])
    .filter(([, present]) => present.length >= PER_IMAGE)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (enough.length === 0) throw new DataError("No image has the 3 objects that POPE asks for.");
  if (typeof images === "number") return shuffled(enough, random).slice(0, images);
  const byId = new Map(enough);
  const poor = images.filter((id) => !byId.has(id));
  if (poor.length > 0)
    throw new DataError(`These images have no ground truth of at least 3 objects: ${someOf(poor)}.`);
  return images.map((id): [string, string[]] => [id, byId.get(id)!]);
}

function count(objects: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const object of objects) counts.set(object, (counts.get(object) ?? 0) + 1);
  return counts;
}

function mostFrequent(objects: string[], counts: Map<string, number>): string[] {
  const of = (object: string) => counts.get(object) ?? 0;
  const most = objects.reduce((max, object) => Math.max(max, of(object)), 0);
  return objects.filter((object) => of(object) === most);
}

function ask(object: string, label: "yes" | "no"): Pick<PopeQuestion, "text" | "label"> {
  return { text: `Is there ${/^[aeiou]/.test(object) ? "an" : "a"} ${object} in the image?`, label };
}

function cocoName(id: string): string {
  return /^[1-9]\d{0,11}$/.test(id) ? `COCO_val2014_${id.padStart(12, "0")}.jpg` : id;
}
