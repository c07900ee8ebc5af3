import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ChairResult,
  chair,
  type GroundTruth,
  type Metric,
  type PopeResult,
  readGroundTruth,
} from "../benchmarks";
import type { Answer } from "../benchmarks/benchmark";
import { recordKey } from "../experiments/plan";
import { readSweep, type StoredSweep } from "../experiments/store/folder";
import { type RunRecord, readRecords } from "../experiments/store/samples";
import { readRun } from "../runs";
import { groundTruthFile } from "../runs/chair_run";
import { CommandError, UsageError } from "./exit";

/** Finished answers of a run or of one cell of a sweep, and what its folder knows of how they are scored. */
export interface AnswerSource {
  /** As the command line names it. */
  name: string;
  kind: Metric["kind"];
  isCell: boolean;
  /** By what was asked. */
  answers: ReadonlyMap<string, Answer>;
  /** The metric's options: POPE's rule, CHAIR's scorer; those that differ from the defaults, or all. */
  scoring: Readonly<Record<string, unknown>>;
  groundTruth: GroundTruth | undefined;
}

/**
 * @param name a run folder, or a sweep's with one of its cells (name or id) behind a #
 * @throws UsageError where a sweep's cell is not named or not there, DataError where there is no run, CommandError where nothing is answered
 */
export function answerSource(name: string): AnswerSource {
  const [folder, cell] = splitName(name);
  const source = existsSync(join(folder, "sweep.json"))
    ? cellSource(name, readSweep(folder), cell)
    : runSource(name);
  if (source.answers.size === 0) throw new CommandError(`${name} holds no finished sample yet.`);
  return source;
}

/** The answers scored by a metric. @throws DataError where the ground truth lacks an image */
export function scored(
  answers: readonly Answer[],
  metric: Metric,
  groundTruth: GroundTruth,
): ChairResult | PopeResult {
  if (metric.kind === "pope") return metric.sumUp(answers.map((answer) => metric.read(answer, {})));
  chair.requireGroundTruth(
    answers.map(({ image_id }) => String(image_id)),
    groundTruth,
  );
  return metric.sumUp(answers.map((answer) => metric.read(answer, groundTruth)));
}

/** At the # behind a folder that is a sweep's: both sides may have others. */
function splitName(name: string): [folder: string, cell: string | undefined] {
  const places = [...name.matchAll(/#/g)].map(({ index }) => index);
  const at = existsSync(name)
    ? undefined
    : places.find((place) => existsSync(join(name.slice(0, place), "sweep.json")));
  return at === undefined ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}

function cellSource(name: string, sweep: StoredSweep, wanted: string | undefined): AnswerSource {
  const { cells, items, records, kind, groundTruth, metrics, folder } = sweep;
  const cell = cells.find((one) => one.name === wanted) ?? cells.find(({ id }) => id === wanted);
  if (cell === undefined) {
    const fault =
      wanted === undefined ? `${folder} is a sweep of many cells` : `${folder} has no cell "${wanted}"`;
    throw new UsageError(
      `${fault}; name one of them behind a #: ${cells.map((one) => `"${folder}#${one.name}"`).join(", ")}.`,
    );
  }
  const found = items.flatMap((item): [string, RunRecord][] => {
    const record = records.get(recordKey(cell, item));
    return record ? [[item.id, record]] : [];
  });
  const { metric: _, ...scoring } = metrics[0] ?? {};
  const known = Object.keys(groundTruth).length > 0 ? groundTruth : undefined;
  return { name, kind, isCell: true, answers: finished(found), scoring, groundTruth: known };
}

function runSource(name: string): AnswerSource {
  const kind = readRun(name).kind as Metric["kind"];
  const truth = join(name, groundTruthFile);
  return {
    ...{ name, kind, isCell: false, answers: finished(readRecords(name)) },
    scoring: kind === "pope" ? recordedRule(name) : {},
    groundTruth: existsSync(truth) ? readGroundTruth(truth) : undefined,
  };
}

/** The rule that a run's answers were scored by, once it has ended. */
function recordedRule(folder: string): { rule?: string } {
  const file = join(folder, "metrics.json");
  const { rule } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  return rule === undefined ? {} : { rule };
}

function finished(records: Iterable<[string, RunRecord]>): Map<string, Answer> {
  return new Map([...records].filter(([, { status }]) => status === "done") as unknown as [string, Answer][]);
}
