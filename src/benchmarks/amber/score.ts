import { DataError } from "../../base/data_error";
import type { BootstrapOptions, Intervals, MetricValues } from "../../statistics";
import { sumUp } from "../benchmark";
import { type AmberDescription, type AmberResponse, readDescription } from "./description";
import { amberMetric } from "./metric";
import { type SimilarityOptions, similarityOf } from "./similarity";

export interface AmberOptions extends SimilarityOptions {
  bootstrap?: BootstrapOptions;
}

export interface AmberResult extends SimilarityOptions {
  benchmark: "amber";
  figures: MetricValues; // CHAIR, Cover, Hal, Cog: shares, not per cent
  intervals: Intervals; // of the same, 95 % over images
  descriptions: AmberDescription[];
}

/** AMBER's generative part (Wang et al. 2023), one response an image, as its inference.py has it. @throws DataError */
export function score(
  responses: readonly AmberResponse[],
  { bootstrap, ...options }: AmberOptions = {},
): AmberResult {
  if (responses.length === 0) throw new DataError("There is no response to score.");
  const images = new Set(responses.map(({ image }) => image));
  if (images.size < responses.length)
    throw new DataError(
      `There are ${responses.length} responses about ${images.size} images; AMBER scores one an image.`,
    );
  const similar = similarityOf(options);
  const descriptions = responses.map((response) => readDescription(response, similar));
  return {
    benchmark: "amber",
    ...options,
    ...sumUp(amberMetric(options), descriptions, bootstrap),
    descriptions,
  };
}
