import { existsSync } from "node:fs";
import { someOf } from "../../base/some_of";
import type { Answer } from "../../benchmarks/benchmark";
import type { PlannedCell } from "../../experiments/plan";
import { answersOf } from "../../experiments/result/result";
import { isExperiment, type StoredItem } from "../../experiments/store/description";
import { readExperiment } from "../../experiments/store/folder";
import { CommandError, UsageError } from "../exit";

/** Finished answers of one cell of an experiment, and what its folder knows of how they are scored. */
export interface AnswerSource {
  /** As the command line names it. */
  name: string;
  benchmark: string;
  /** Whether its folder may hold other cells, so that it may have seen fewer items than they. */
  isNamed: boolean;
  answers: readonly { item: StoredItem; answer: Answer }[];
  /** The metric's description; undefined where the answers were not scored. */
  metric: Readonly<Record<string, unknown>> | undefined;
}

/**
 * @param name the folder of an evaluation, or a sweep's with one of its cells (name or id) behind a #
 * @throws UsageError where a sweep's cell is not named or not there, DataError where there is no experiment, CommandError where nothing is answered
 */
export function answerSource(name: string): AnswerSource {
  const [folder, wanted] = splitName(name);
  const experiment = readExperiment(folder);
  const answers = answersOf(experiment, cellNamed(folder, experiment.cells, wanted));
  if (answers.length === 0) throw new CommandError(`${name} holds no finished sample yet.`);
  const { benchmark, metrics } = experiment;
  return { name, benchmark, isNamed: wanted !== undefined, answers, metric: metrics[0] };
}

/** At the # behind a folder that is an experiment's: both sides may have others. */
function splitName(name: string): [folder: string, cell: string | undefined] {
  const places = [...name.matchAll(/#/g)].map(({ index }) => index);
  const at = existsSync(name) ? undefined : places.find((place) => isExperiment(name.slice(0, place)));
  return at === undefined ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}

function cellNamed(folder: string, cells: readonly PlannedCell[], wanted: string | undefined): PlannedCell {
  if (wanted === undefined && cells.length === 1) return cells[0]!;
  const cell = cells.find(({ name }) => name === wanted) ?? cells.find(({ id }) => id === wanted);
  if (cell !== undefined) return cell;
  const fault =
    wanted === undefined ? `${folder} has ${cells.length} cells` : `${folder} has no cell "${wanted}"`;
  throw new UsageError(
    `${fault}; name one of them behind a #: ${someOf(cells.map(({ name }) => `"${folder}#${name}"`))}.`,
  );
}
