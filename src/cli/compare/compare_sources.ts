import { differences } from "../../base/identity";
import { someOf } from "../../base/some_of";
import type { GroundTruth, Metric } from "../../benchmarks";
import type { Benchmark } from "../../benchmarks/benchmark";
import { type Comparison, compareAnswers } from "../../benchmarks/compare";
import { benchmarkNamed } from "../../experiments/result/metrics";
import { CommandError, UsageError } from "../exit";
import type { AnswerSource } from "./answer_source";

/** What the command line says of scoring, in place of what the folders know. */
export interface GivenScoring {
  rule: string | undefined;
  groundTruth: GroundTruth | undefined;
}

export interface Compared {
  comparison: Comparison;
  metric: Metric;
  sources: readonly [AnswerSource, AnswerSource];
  /** Those of each source that were compared. */
  answers: number;
}

/**
 * Scores both alike, by what is given or what their folders know, and compares them: evaluations on all that they have
 * answered, which must be the same, named cells on what both have, since a sweep may have dropped one on the way.
 * @throws UsageError, CommandError, DataError where they do not compare
 */
export function compareSources(a: AnswerSource, b: AnswerSource, given: GivenScoring): Compared {
  const sources = [a, b] as const;
  const metric = metricOf(sources, given.rule);
  if (given.groundTruth !== undefined && a.benchmark !== "chair")
    throw new UsageError(`A ground truth changes nothing of ${a.name}, which is of ${a.benchmark}.`);
  requireSamePictures(sources);
  const answers = a.isNamed && b.isNamed ? onBoth(sources) : sources.map((source) => source.answers);
  const references = metric.needsReference ? referencesOf(sources, given.groundTruth) : new Map();
  const [before, after] = answers.map((all) =>
    all.map(({ item, answer }) => metric.read(answer, { ...item, reference: references.get(item.name) })),
  );
  const comparison = compareAnswers(metric, before!, after!);
  return { comparison, metric, sources, answers: answers[0]!.length };
}

type Pair = readonly [AnswerSource, AnswerSource];

/** What both are scored by. @throws CommandError where they are of two benchmarks, UsageError where their folders say different things */
function metricOf([a, b]: Pair, rule: string | undefined): Metric {
  if (a.benchmark !== b.benchmark)
    throw new CommandError(
      `${a.name} is of ${a.benchmark}, ${b.name} of ${b.benchmark}; only what is of one benchmark compares.`,
    );
  if (rule !== undefined && !("rule" in benchmarkNamed(a.benchmark)().description))
    throw new UsageError(`--rule changes nothing of ${a.name}, which is of ${a.benchmark}.`);
  const known: Record<string, unknown> = { ...(a.metric ?? b.metric), ...(rule !== undefined && { rule }) };
  const { metric: _, ...options } = known;
  const different = a.metric && b.metric ? differences(a.metric, b.metric) : [];
  const settled = rule !== undefined && different.every((one) => one.startsWith("rule:"));
  if (different.length === 0 || settled) return checkedMetric(benchmarkNamed(a.benchmark), options);
  const advice = different.some((one) => one.startsWith("rule:")) ? "; choose with --rule" : "";
  throw new UsageError(`${a.name} and ${b.name} were scored differently (${different.join(", ")})${advice}.`);
}

/** A rule is one of the benchmark's own. @throws UsageError */
function checkedMetric(benchmark: Benchmark, options: Record<string, unknown>): Metric {
  const { error } = benchmark.options.safeParse(options);
  if (error === undefined) return benchmark(options);
  const { path, message } = error.issues[0]!;
  throw new UsageError(`--${path.join(".")}: ${message}.`);
}

/** @throws CommandError where an image's name stands for two pictures */
function requireSamePictures([a, b]: Pair): void {
  const ids = new Map(a.answers.map(({ item }) => [item.name, item.id]));
  const odd = b.answers.filter(({ item }) => (ids.get(item.name) ?? item.id) !== item.id);
  if (odd.length === 0) return;
  throw new CommandError(
    `${a.name} and ${b.name} are about different pictures of the same names: ${odd.length} of ${b.answers.length} ` +
      `(${someOf(odd.map(({ item }) => item.name))}).`,
  );
}

/** What answers are scored by, by the names of the items: as given, or as the folders know. @throws UsageError */
function referencesOf([a, b]: Pair, given: GroundTruth | undefined): ReadonlyMap<string, unknown> {
  if (given !== undefined) return new Map(Object.entries(given));
  const [ofA, ofB] = [a, b].map(
    ({ answers }) =>
      new Map(
        answers
          .filter(({ item }) => item.reference !== undefined)
          .map(({ item }) => [item.name, item.reference]),
      ),
  );
  if (ofA!.size + ofB!.size === 0) {
    throw new UsageError(
      `Neither ${a.name} nor ${b.name} was made with a ground truth; give --coco-path or --ground-truth.`,
    );
  }
  for (const [name, reference] of ofB!) {
    const other = ofA!.get(name);
    if (other === undefined || inWords(other) === inWords(reference)) continue;
    throw new UsageError(
      `${a.name} and ${b.name} were made with different ground truths (${name}: ${inWords(other)}, and ${inWords(reference)}); give --coco-path or --ground-truth.`,
    );
  }
  return new Map([...ofB!, ...ofA!]);
}

/** Classes in whatever order, anything else as it is. */
function inWords(reference: unknown): string {
  if (!Array.isArray(reference)) return JSON.stringify(reference);
  return (
    [...reference]
      .map((one) => (typeof one === "string" ? one : JSON.stringify(one)))
      .sort()
      .join(", ") || "nothing"
  );
}

/** Cells may have seen different images of their sweep: what both have answered. */
function onBoth([a, b]: Pair) {
  const answered = new Set(b.answers.map(({ item }) => item.id));
  const both = a.answers.filter(({ item }) => answered.has(item.id));
  if (both.length === 0)
    throw new CommandError(`There is nothing that both ${a.name} and ${b.name} have answered.`);
  const inBoth = new Set(both.map(({ item }) => item.id));
  return [both, b.answers.filter(({ item }) => inBoth.has(item.id))];
}
