import type { ChairMetric } from "../benchmark";
import { type ChairOptions, scoreCaptions, sumUp } from "./score";

/** CHAIR of the captions of a sweep. */
export function chairMetric(
  options: Pick<ChairOptions, "scorer" | "dropUnfinishedSentence"> = {},
): ChairMetric {
  return {
    kind: "chair",
    columns: ["CHAIRs", "CHAIRi", "Recall", "Len"],
    primary: "CHAIRi",
    description: { metric: "chair", ...options },
    read: ({ image_id, answer, finishReason }, groundTruth) =>
      scoreCaptions(
        [{ image_id: image_id!, caption: answer, finish_reason: finishReason }],
        groundTruth,
        options,
      )[0]!,
    unit: ({ image_id }) => String(image_id),
    perItem: ({ metrics }) => metrics,
    sumUp: (sentences, bootstrap) => sumUp([...sentences], { ...options, ...(bootstrap && { bootstrap }) }),
  };
}
