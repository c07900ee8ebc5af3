import type { BootstrapOptions } from "../statistics/bootstrap";
import type { FinishReason } from "./chair/captions";
import type { GroundTruth } from "./chair/ground_truth";
import type { ChairResult, ChairSentence } from "./chair/score";
import type { PopeQuestion } from "./pope/question_files";
import type { PopeAnswer, PopeResult } from "./pope/score";

/** An answer as a run records it. */
export interface Answer {
  answer: string;
  /** Whether the model ended it or the limit of tokens cut it. */
  finishReason?: FinishReason;
  /** Of a caption. */
  image_id?: number | string;
  /** Of a question's answer. */
  question?: PopeQuestion;
  /** Logits of `likelihoodProbes`, where questions are answered by likelihood. */
  probes?: number[];
}

/** How the answers of a sweep become figures. */
export type Metric = ChairMetric | PopeMetric;

interface Common<Part, Result> {
  /** Figures shown, in order; see `figureNamed`. */
  readonly columns: readonly string[];
  /** The one that settings are ranked by. */
  readonly primary: string;
  /** What makes this metric again, as plain data. */
  readonly description: Readonly<Record<string, unknown>> & { metric: string };
  /** Reads one answer, once. @throws DataError */
  read(answer: Answer, groundTruth: GroundTruth): Part;
  /** What counts once in an image's mean: its caption, or a question however many splits ask it. */
  unit(part: Part): string;
  /** One answer's share in the figures that have one: what is averaged over an image. */
  perItem(part: Part): Readonly<Record<string, number>>;
  /** The figures of answers read before. */
  sumUp(parts: readonly Part[], bootstrap?: BootstrapOptions): Result;
}

export interface ChairMetric extends Common<ChairSentence, ChairResult> {
  readonly kind: "chair";
}

export interface PopeMetric extends Common<PopeAnswer, PopeResult> {
  readonly kind: "pope";
}

/** Figures of which less is better; of all others more is. */
const lowerIsBetter = new Set(["CHAIRs", "CHAIRi", "invalidRate"]);

export function isLowerBetter(figure: string): boolean {
  return lowerIsBetter.has(figure.split(" ").at(-1)!);
}

/** A figure's full name: POPE's have their split before them, the mean of the splits where there are several. */
export function figureNamed(figures: object, name: string): string {
  return Object.keys(figures).findLast((full) => full === name || full.endsWith(` ${name}`)) ?? name;
}

/** Every figure of a result. */
export function figuresOf(result: ChairResult | PopeResult): ChairResult["overall_metrics"] {
  return "sentences" in result ? result.overall_metrics : result.metrics;
}
