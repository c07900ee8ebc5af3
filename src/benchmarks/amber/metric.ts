import type { Metric } from "../benchmark";
import { summaryTable } from "../tables";
import { type AmberDescription, readDescription } from "./description";
import { amberFigures } from "./figures";
import type { AmberQuery } from "./folder";
import type { AmberImage } from "./images";
import { type SimilarityOptions, similarityOf } from "./similarity";
import { amberTally, count } from "./tally";

/** AMBER's generative part, of an experiment's answers. @throws DataError where a table of similar words is unusable */
export function amberMetric(options: SimilarityOptions = {}): Metric<AmberDescription> {
  const similar = similarityOf(options);
  const { similarity = "exact", similarWords } = options;
  return {
    benchmark: "amber",
    description: { metric: "amber", similarity, ...(similarWords !== undefined && { similarWords }) },
    figures: amberFigures,
    columns: ["CHAIR", "Cover", "Hal", "Cog"],
    telling: ["CHAIR", "Cover"],
    primary: "CHAIR",
    counted: "images",
    tested: { right: "descriptions with a hallucination", score: "CHAIR" },
    tradeOff: {
      title: "What less hallucination costs in coverage",
      ...{ x: "CHAIR", y: "Cover", colour: "Hal" },
      ...{ colourLabel: "Hal %", colourMeaning: "descriptions with a hallucination" },
    },
    needsReference: true,
    read: ({ answer }, { fields, reference }) =>
      readDescription(
        {
          ...(fields.question as AmberQuery),
          ...(reference as Pick<AmberImage, "truth" | "hallu">),
          response: answer,
        },
        similar,
      ),
    judge({ image, flagged, covered, imagined }) {
      const right = !flagged.includes(true);
      const figures = {
        CHAIR: share(flagged),
        Cover: share(covered),
        Hal: right ? 0 : 1,
        Cog: share(imagined),
      };
      return { key: image, unit: image, image, right, figures };
    },
    tally: amberTally,
    table: (_, summary) => summaryTable(amberFigures, summary),
  };
}

/** 0 of none. */
function share(flags: readonly boolean[]): number {
  return flags.length === 0 ? 0 : count(flags) / flags.length;
}
