import { differences } from "../base/identity";
import type { GroundTruth } from "../benchmarks";
import { type Comparison, chair, compare, type Metric, type PopeRule, pope } from "../benchmarks";
import { type AnswerSource, scored } from "./answer_source";
import { CommandError, UsageError } from "./exit";

export interface Compared {
  comparison: Comparison;
  kind: Metric["kind"];
  sources: readonly [AnswerSource, AnswerSource];
  /** Those of each source that were compared. */
  answers: number;
}

/**
 * Scores both by the same rule and ground truth, those given or those that their folders know, and compares them: runs on all that
 * they have answered, which must be the same, cells on what both have, since a sweep may have dropped one on the way.
 * @throws UsageError, CommandError, DataError where they do not compare
 */
export function compareSources(
  a: AnswerSource,
  b: AnswerSource,
  given: { rule: PopeRule | undefined; groundTruth: GroundTruth | undefined },
): Compared {
  const sources = [a, b] as const;
  const metric = metricOf(sources, given.rule);
  const truth = metric.kind === "chair" ? (given.groundTruth ?? knownTruth(sources)) : {};
  const answers =
    a.isCell && b.isCell ? onBoth(sources) : sources.map(({ answers }) => [...answers.values()]);
  const [before, after] = answers.map((one) => scored(one, metric, truth));
  return { comparison: compare(before!, after!), kind: metric.kind, sources, answers: answers[0]!.length };
}

/** What both are scored by. @throws CommandError where they are of two kinds, UsageError where their folders say different things */
function metricOf([a, b]: readonly [AnswerSource, AnswerSource], rule: PopeRule | undefined): Metric {
  if (a.kind !== b.kind)
    throw new CommandError(
      `${a.name} is of ${a.kind}, ${b.name} of ${b.kind}; only what is of one kind compares.`,
    );
  if (a.kind === "chair") {
    const different = differences(a.scoring, b.scoring);
    if (different.length === 0) return chair(a.scoring);
    throw new CommandError(`${a.name} and ${b.name} were scored differently: ${different.join(", ")}.`);
  }
  const known = new Set([a.scoring.rule, b.scoring.rule].filter((one) => one !== undefined)) as Set<PopeRule>;
  if (rule === undefined && known.size > 1) {
    throw new UsageError(
      `${a.name} and ${b.name} were scored by different rules (${[...known].join(", ")}); choose with --rule.`,
    );
  }
  return pope({ rule: rule ?? [...known][0] ?? "opera" });
}

/** What is in the images, as the folders know. @throws UsageError */
function knownTruth([a, b]: readonly [AnswerSource, AnswerSource]): GroundTruth {
  const known = a.groundTruth ?? b.groundTruth;
  if (known === undefined) {
    throw new UsageError(
      `Neither ${a.name} nor ${b.name} was made with a ground truth; give --coco-path or --ground-truth.`,
    );
  }
  const odd = Object.keys(b.groundTruth ?? {}).find(
    (id) => known[id] !== undefined && sorted(known[id]) !== sorted(b.groundTruth![id]!),
  );
  if (odd !== undefined) {
    throw new UsageError(
      `${a.name} and ${b.name} were made with different ground truths (image ${odd}: ${sorted(known[odd]!)}, and ${sorted(b.groundTruth![odd]!)}); give --coco-path or --ground-truth.`,
    );
  }
  return { ...b.groundTruth, ...known };
}

const sorted = (classes: readonly string[]) => [...classes].sort().join(", ") || "nothing";

/** Cells may have seen different images of their sweep: what both have answered. */
function onBoth(sources: readonly [AnswerSource, AnswerSource]) {
  const [a, b] = sources;
  const both = [...a.answers.keys()].filter((item) => b.answers.has(item));
  if (both.length === 0)
    throw new CommandError(`There is nothing that both ${a.name} and ${b.name} have answered.`);
  return sources.map(({ answers }) => both.map((item) => answers.get(item)!));
}
