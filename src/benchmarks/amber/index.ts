import { z } from "zod";
import { descriptionSource } from "./data";
import { amberMetric } from "./metric";
import { type AmberResult, score } from "./score";
import { similarities } from "./similarity";

/** `amber()` is the metric of an experiment; `amber.score(responses)` scores responses by themselves. */
export const amber = Object.assign(amberMetric, {
  title: "AMBER, generative (Wang et al. 2023): objects in descriptions, right, imagined and left out",
  options: z.strictObject({
    similarity: z
      .enum(similarities)
      .optional()
      .describe(
        "Which nouns stand for an annotated word: exact: equal ones; lmms-eval: also those similar by spaCy's medium " +
          "model, which takes a TV for an eagle; official: also those similar by a table of one's own [exact]",
      ),
    similarWords: z
      .string()
      .optional()
      .describe('For official: a file {"pairs": [["word", "other word", similarity], …]}'),
  }),
  data: descriptionSource,
  answerTokens: 512,
  scored: ({ similarity, similarWords, descriptions }: AmberResult) => ({
    metric: amberMetric({ similarity, similarWords }),
    parts: descriptions,
  }),
  score,
});
