import { z } from "zod";
import { amberQuestionSource } from "./data";
import { amberQuestionMetric } from "./metric";
import { type AmberQuestionsResult, score } from "./score";

/** `amberQuestions()` is the metric of an experiment; `amberQuestions.score(replies)` scores replies by themselves. */
export const amberQuestions = Object.assign(amberQuestionMetric, {
  title:
    "AMBER, discriminative (Wang et al. 2023): yes/no questions about existence, attributes and relations",
  options: z.strictObject({}),
  data: amberQuestionSource,
  answerTokens: 10,
  scored: ({ replies }: AmberQuestionsResult) => ({ metric: amberQuestionMetric(), parts: replies }),
  score,
});
