import { z } from "zod";
import type { Answer, ScoredItem } from "../benchmark";
import { captionSource } from "./data";
import { chairMetric } from "./metric";
import { COCO_OBJECTS } from "./reading/coco_objects";
import { mentions } from "./reading/mentions";
import { cocoObjects, objectLexicon } from "./reading/objects";
import { type ChairResult, requireGroundTruth, score, scoreCaptions } from "./score";

/** `chair()` is the metric of an experiment; `chair.score(captions, groundTruth)` scores captions by themselves. */
export const chair = Object.assign(chairMetric, {
  title: "CHAIR (Rohrbach et al. 2018): objects in captions that are not in the image",
  options: z.strictObject({
    scorer: z
      .enum(["pai", "noun"])
      .optional()
      .describe("pai: lemmas by part of speech; noun: every word a noun [pai]"),
    dropUnfinishedSentence: z
      .boolean()
      .optional()
      .describe("Leave out a last sentence that the limit of tokens cut off"),
  }),
  data: captionSource,
  answerTokens: 512,
  answersFile: {
    name: "captions.jsonl",
    line: ({ answer, finishReason }: Answer, { fields }: ScoredItem) => ({
      image_id: fields.image_id,
      caption: answer,
      ...(finishReason !== undefined && { finish_reason: finishReason }),
    }),
  },
  scored: ({ scorer, sentences }: ChairResult) => ({
    metric: chairMetric({ scorer: scorer.name }),
    parts: sentences,
  }),
  score,
  scoreCaptions,
  requireGroundTruth,
  mentions,
  cocoObjects,
  objectLexicon,
  COCO_OBJECTS,
});
