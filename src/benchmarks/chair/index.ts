import type { Answer, ScoredItem } from "../benchmark";
import { captionSource } from "./data";
import { chairMetric } from "./metric";
import { COCO_OBJECTS } from "./reading/coco_objects";
import { mentions } from "./reading/mentions";
import { cocoObjects, objectLexicon } from "./reading/objects";
import { type ChairResult, requireGroundTruth, score, scoreCaptions } from "./score";

/** `chair()` is the metric of an experiment; `chair.score(captions, groundTruth)` scores captions by themselves. */
export const chair = Object.assign(chairMetric, {
  data: captionSource,
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
