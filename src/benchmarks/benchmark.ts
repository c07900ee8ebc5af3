import type { z } from "zod";
import type { Table } from "../report/tables";
import {
  type BootstrapOptions,
  bootstrap,
  type Intervals,
  type MetricValues,
  type Tally,
  totals,
} from "../statistics";
import type { FigureInfo } from "./figure";

/**
 * A benchmark: called with options it gives the metric that reads its answers; beside that, where its items come from.
 * `registry.ts` lists them all.
 */
export interface Benchmark {
  // biome-ignore lint/suspicious/noExplicitAny: each benchmark has options and parts of its own
  (options?: any): Metric<any>;
  /** Its full name, with the paper. */
  readonly title: string;
  /** What the metric's options may be, each with a description. */
  readonly options: z.ZodObject;
  readonly data: DataSource;
  /** Tokens that its longest answer needs. */
  readonly answerTokens: number;
  /** A file of the answers beside an evaluation, as other scorers read them: its name, and the JSON of its lines. */
  readonly answersFile?: { readonly name: string; line(answer: Answer, item: ScoredItem): object };
  /** A result of the benchmark's own `score`, where it has one, as the metric that made it read it. */
  // biome-ignore lint/suspicious/noExplicitAny: a result is of the benchmark that it names
  readonly scored?: (result: any) => ScoredParts;
}

/** How items come from a user's files. */
export interface DataSource {
  /** As sweep files name it, with its options under it. */
  readonly name: string;
  /** Each with a description. `images`, the folder, may be left out where the items are to score answers that others wrote. */
  readonly options: z.ZodObject;
  /** The files that users bring; none of them is ever downloaded. */
  readonly files: readonly DataFile[];
  // biome-ignore lint/suspicious/noExplicitAny: what `options` describes
  items(options: any): BenchmarkData;
  /**
   * What a record of others' answers says it answers, as `answerId` has it, where no one key does: null where that is of
   * another part of the benchmark, undefined where it does not say.
   */
  recordId?(record: Readonly<Record<string, unknown>>): string | null | undefined;
}

/** A file or folder that a benchmark needs. */
export interface DataFile {
  /** The option that names it. */
  option: string;
  what: string;
  /** Where its authors publish it. */
  from: string;
  /** For people: "1.8 MB". */
  size: string;
  licence: string;
}

/** What a model is asked, and what its answers are scored by. */
export interface BenchmarkData {
  /** Name of the benchmark, whose metrics read the answers. */
  readonly benchmark: string;
  /** The prompt where an experiment names none; `{question}` in it stands for the item's question. */
  readonly prompt: string;
  readonly items: readonly BenchmarkItem[];
  /** Texts whose logit at the first token is recorded. */
  readonly probes: readonly string[];
}

/** One answer to be had of a model. */
export interface BenchmarkItem extends ScoredItem {
  /** Unique in the data. An experiment adds the bytes of the image: answers about another picture are never taken for it. */
  id: string;
  /** What files of others call its answer. Default: `id`. */
  answerId?: string;
  /** File name of its image: what is drawn again for intervals, and what is leased to workers. */
  image: string;
  /** null where it is asked about no image; absent where the image is not at hand, so that answers can be scored, not had. */
  path?: string | null | undefined;
  /** Stands for `{question}` in the prompt. */
  question: string;
}

/** What a metric knows of an item beside the answer. */
export interface ScoredItem {
  /** Its own names for what was asked, which stand beside the answer in an experiment's records. */
  fields: Readonly<Record<string, unknown>>;
  /** What the answer is scored by, such as the classes in the image; absent where nobody told, or where `fields` say it. */
  reference?: unknown;
}

/** An answer as an experiment records it. */
export interface Answer {
  answer: string;
  /** Whether the model ended it ("stop") or the limit of tokens cut it ("length"). */
  finishReason?: string;
  /** Logits of the data's probes at the first token. */
  probes?: readonly number[];
}

/** How answers become figures. A part is one answer as the metric has read it. */
export interface Metric<Part = unknown> {
  /** Name of the benchmark whose answers it reads. */
  readonly benchmark: string;
  /** Its options, as plain data, and the benchmark's name as `metric`: what makes it again. */
  readonly description: Readonly<Record<string, unknown>> & { metric: string };
  /** Every figure by name; figures of a split have the split's name before theirs. */
  readonly figures: Readonly<Record<string, FigureInfo>>;
  /** Figures that tables of many settings show, in order. */
  readonly columns: readonly string[];
  /** Those that a comparison of two is put into words by. */
  readonly telling: readonly string[];
  /** The one that settings are ranked by. */
  readonly primary: string;
  /** What is counted: whether an image is captioned once, or asked about in questions. */
  readonly counted: "images" | "questions";
  /** What McNemar's test counts, in words; and the figure whose mean over an image Wilcoxon's test takes. */
  readonly tested: { readonly right: string; readonly score: string };
  /** What the gain in one figure costs in another, to be drawn. */
  readonly tradeOff?: TradeOff;
  /** Whether items need a reference to be scored. */
  readonly needsReference: boolean;
  /** Reads one answer, once. @throws DataError where the item's reference is unusable; never for an odd answer */
  read(answer: Answer, item: ScoredItem): Part;
  judge(part: Part): Judgement;
  /** Per image the sums that the figures are made of. */
  tally(parts: readonly Part[]): Tally;
  /** All that one set of answers shows. */
  table(parts: readonly Part[], summary: Summary): Table;
}

/** Two figures to draw against each other, and a third that colours tell. */
export interface TradeOff {
  title: string;
  /** A figure of which less is better. */
  x: string;
  /** A figure of which more is better. */
  y: string;
  colour: string;
  /** Beside the colours' scale, and in the note below. */
  colourLabel: string;
  colourMeaning: string;
}

/** One answer as paired tests and schedulers see it. */
export interface Judgement {
  /** What the answers of two runs are paired by: unique in a run. */
  key: string;
  /** What counts once: the image of a caption; a question about an image, however many splits ask it. */
  unit: string;
  image: string;
  right: boolean;
  /** Its share in the figures that have one: what is averaged over an image. */
  figures: Readonly<Record<string, number>>;
}

/** The figures of a set of answers, with their 95 % intervals over images. A figure is null where it is not defined. */
export interface Summary {
  figures: MetricValues;
  intervals: Intervals;
}

/** A result of a benchmark's own `score`, as the metric that made it read it. */
export interface ScoredParts {
  // biome-ignore lint/suspicious/noExplicitAny: whichever benchmark's
  metric: Metric<any>;
  parts: readonly unknown[];
}

/** The metric, if the items are known well enough to be scored by it; otherwise answers are had, and not scored. */
export function applicable(metric: Metric, { items }: BenchmarkData): Metric[] {
  const isScoreable = !metric.needsReference || items.every(({ reference }) => reference !== undefined);
  return isScoreable ? [metric] : [];
}

/** The figures of parts, with intervals. */
export function sumUp<Part>(
  metric: Metric<Part>,
  parts: readonly Part[],
  options: BootstrapOptions = {},
): Summary {
  const tally = metric.tally(parts);
  return { figures: totals(tally), intervals: bootstrap(tally, options) };
}
