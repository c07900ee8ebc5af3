import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import { type BootstrapOptions, bootstrap, type Intervals } from "../../statistics/bootstrap";
import { type MetricValues, totals } from "../../statistics/tally";
import type { Caption } from "./captions";
import type { GroundTruth } from "./ground_truth";
import { cocoObjects, type ObjectLexicon } from "./reading/objects";
import { readCaption, type Scorer } from "./reading/read_caption";
import { dropUnfinished } from "./reading/unfinished";
import type { ChairSentence } from "./sentence";
import { chairTally } from "./tally";

export interface ChairOptions {
  scorer?: Scorer; // default "pai"
  objects?: ObjectLexicon; // default COCO's 80 classes
  dropUnfinishedSentence?: boolean; // the 64-token protocol: what was cut off is not scored
  bootstrap?: BootstrapOptions;
}

export interface ChairResult {
  benchmark: "chair";
  sentences: ChairSentence[];
  overall_metrics: MetricValues; // CHAIRs, CHAIRi, Recall, Precision, F1, Len; Mentions, Distinct1, Distinct2
  intervals: Intervals; // of the same, 95 % over images
  scorer: { name: Scorer; version: string; objects: string };
}

/** Raised when the reading of captions changes: figures of different versions are not comparable. */
const VERSION = "1 (NLTK 3.10 tokens and tags, WordNet 3.0)";

/**
 * CHAIR (Rohrbach et al. 2018) of one caption per image, as PAI's chair.py computes it: a mention is hallucinated if
 * its class is not in the image's ground truth. CHAIRs is the share of captions with a hallucinated mention, CHAIRi the
 * share of hallucinated mentions. Throws if an image is captioned twice, has no ground truth, or one in unknown classes.
 */
export function score(
  captions: readonly Caption[],
  groundTruth: GroundTruth,
  options: ChairOptions = {},
): ChairResult {
  const { scorer = "pai", objects = cocoObjects() } = options;
  const sentences = scoreCaptions(captions, groundTruth, options);
  const tally = chairTally(sentences);
  return {
    benchmark: "chair",
    sentences,
    overall_metrics: totals(tally),
    intervals: bootstrap(tally, options.bootstrap),
    scorer: { name: scorer, version: VERSION, objects: objects.name },
  };
}

/** Caption by caption what `score` adds up. @throws DataError as `score` */
export function scoreCaptions(
  captions: readonly Caption[],
  groundTruth: GroundTruth,
  options: ChairOptions = {},
): ChairSentence[] {
  const { scorer = "pai", objects = cocoObjects(), dropUnfinishedSentence = false } = options;
  check(captions, groundTruth, objects);
  return captions.map((caption) => {
    const { image_id } = caption;
    const scored = dropUnfinishedSentence ? dropUnfinished(caption) : caption.caption;
    return scoreCaption(image_id, scored, [...new Set(groundTruth[image_id])].sort(), scorer, objects);
  });
}

/** @throws DataError listing the images that the ground truth lacks: they would count as all hallucinated. */
export function requireGroundTruth(ids: readonly string[], groundTruth: GroundTruth): void {
  refuse(
    ids.filter((id) => !Object.hasOwn(groundTruth, id)),
    "have no ground truth; add them to the ground truth or leave their captions out",
  );
}

function check(captions: readonly Caption[], groundTruth: GroundTruth, objects: ObjectLexicon): void {
  if (captions.length === 0) throw new DataError("There is no caption to score.");
  const ids = captions.map(({ image_id }) => String(image_id));
  refuse(repeated(ids), "have more than one caption; CHAIR scores one per image");
  requireGroundTruth(ids, groundTruth);
  const classes = new Set(objects.classOf.values());
  const unknown = ids.flatMap((id) => groundTruth[id]!.filter((name) => !classes.has(name)));
  if (unknown.length > 0) {
    const names = [...new Set(unknown)].map((name) => `"${name}"`).join(", ");
    throw new DataError(
      `The ground truth names ${names}, which the object list "${objects.name}" does not have.`,
    );
  }
}

function repeated(ids: string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(ids.filter((id) => seen.size === seen.add(id).size))];
}

function refuse(ids: string[], complaint: string): void {
  if (ids.length === 0) return;
  throw new DataError(`${ids.length} image ids ${complaint}: ${someOf(ids)}.`);
}

function scoreCaption(
  image_id: Caption["image_id"],
  caption: string,
  present: string[],
  scorer: Scorer,
  objects: ObjectLexicon,
): ChairSentence {
  const { words, mentions } = readCaption(caption, scorer, objects);
  const hallucinated = mentions.filter(({ object }) => !present.includes(object));
  const generated = new Set(mentions.map(({ object }) => object));
  const correct = present.filter((object) => generated.has(object)).length;
  const orZero = (numerator: number, denominator: number) =>
    denominator === 0 ? 0 : numerator / denominator;
  const recall = orZero(correct, present.length);
  const precision = orZero(correct, generated.size);
  return {
    image_id,
    caption,
    mscoco_hallucinated_words: hallucinated.map(({ word, object }) => [word, object]),
    mscoco_gt_words: present,
    mscoco_generated_words: mentions.map(({ object }) => object),
    hallucination_idxs: hallucinated.map(({ index }) => index),
    words,
    metrics: {
      CHAIRs: hallucinated.length > 0 ? 1 : 0,
      CHAIRi: orZero(hallucinated.length, mentions.length),
      Recall: recall,
      Precision: precision,
      F1: orZero(2 * recall * precision, recall + precision),
      Len: 0.01 * words.length,
    },
    mentions: mentions.map(({ word, object, start, end }) => {
      return { word, object, start, end, hallucinated: !present.includes(object) };
    }),
  };
}
