import { DataError } from "../../base/data_error";
import type { Metric } from "../benchmark";
import { summaryTable } from "../tables";
import { chairFigures } from "./figures";
import { type ChairOptions, scoreCaptions } from "./score";
import type { ChairSentence } from "./sentence";
import { chairTally } from "./tally";

/** CHAIR of the captions of an experiment. */
export function chairMetric(
  options: Pick<ChairOptions, "scorer" | "dropUnfinishedSentence"> = {},
): Metric<ChairSentence> {
  return {
    benchmark: "chair",
    description: { metric: "chair", ...options },
    figures: chairFigures,
    columns: ["CHAIRs", "CHAIRi", "Recall", "Len"],
    telling: ["CHAIRs", "CHAIRi", "Recall"],
    primary: "CHAIRi",
    counted: "images",
    tested: { right: "captions with a hallucination", score: "CHAIRi" },
    tradeOff: {
      title: "What less hallucination costs in recall",
      ...{ x: "CHAIRi", y: "Recall", colour: "Len" },
      ...{ colourLabel: "words", colourMeaning: "words a caption" },
    },
    needsReference: true,
    read({ answer, finishReason }, { fields, reference }) {
      const image_id = fields.image_id as string | number;
      if (reference === undefined) throw new DataError(`Image ${image_id} has no ground truth.`);
      const caption = { image_id, caption: answer, finish_reason: finishReason as "stop" | "length" };
      return scoreCaptions([caption], { [image_id]: reference as string[] }, options)[0]!;
    },
    judge({ image_id, metrics }) {
      const image = String(image_id);
      return { key: image, unit: image, image, right: metrics.CHAIRs === 0, figures: metrics };
    },
    tally: chairTally,
    table: (_, summary) => summaryTable(chairFigures, summary),
  };
}
