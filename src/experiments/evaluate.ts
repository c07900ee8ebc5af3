import { join } from "node:path";
import { DataError } from "../base/data_error";
import { differences, identityOf } from "../base/identity";
import { someOf } from "../base/some_of";
import { writeWhole } from "../base/whole_file";
import type { ExperimentData } from "./items";
import { type PlannedCell, recordKey } from "./plan";
import { benchmarkNamed } from "./result/metrics";
import { answersOf, type ExperimentResult } from "./result/result";
import { type Decoders, type ExperimentSettings, runExperiment } from "./run_experiment";
import { everything } from "./schedule/scheduler";
import type { Cell } from "./space/cells";
import { label } from "./space/labels";
import { defaults, isPlain, type Settings, withoutIdle } from "./space/settings";
import type { Base } from "./space/space";
import type { ExperimentFolder } from "./store/folder";

export interface EvaluationSettings extends ExperimentSettings {
  /** The folder, which holds this decoding alone. Default: `runs/<benchmark>-<hash>`, one for the same decoding and items. */
  out?: string | undefined;
}

/**
 * An experiment of one cell: decodes every item under one setting, without a baseline. A repeated call goes on where the
 * folder is; beside the samples it holds a file of the answers as other scorers read them, such as `captions.jsonl`.
 * @throws DataError where the folder holds another decoding, or answers about other pictures; and as `sweep`
 */
export async function evaluate(options: EvaluationSettings & Decoders & Base): Promise<ExperimentResult> {
  const result = await runExperiment(options, {
    cells: [cellOf(options)],
    baselines: [],
    scheduler: everything,
    folderOf: ([cell], { benchmark, items }) =>
      options.out ?? join("runs", `${benchmark}-${shortHash([cell!.id, items.map(({ id }) => id)])}`),
    check: (folder, [cell], data) => requireSame(folder, cell!, data),
  });
  writeAnswers(result);
  return result;
}

/** The only cell of an evaluation. */
export function cellOf({ attention, contrast, search, prompt, template, checkpoint }: Base): Cell {
  const base = { attention, contrast, search, prompt, template, checkpoint };
  const given = Object.fromEntries(Object.entries(base).filter(([, value]) => value !== undefined));
  const settings: Settings = withoutIdle({ ...defaults, ...given });
  return { name: nameOf(settings), settings, points: [] };
}

function nameOf(settings: Settings): string {
  const { attention, contrast, search } = settings;
  const parts = isPlain(settings) ? ["plain"] : [attention, contrast].map((one) => label(one));
  return [...parts.filter((part, i) => i === 0 || part !== "plain"), label(search)].join(", ");
}

function shortHash(value: unknown): string {
  return identityOf(value).slice(0, 8);
}

/** Results of two decodings, or about two sets of pictures, are never mixed. @throws DataError */
function requireSame(
  { folder, before, samples }: ExperimentFolder,
  cell: PlannedCell,
  data: ExperimentData,
): void {
  if (before === undefined) return;
  const other = before.description.cells.find(({ id }) => id !== cell.id);
  if (other) {
    const changed = differences(other.decoding, cell.decoding);
    throw new DataError(
      `${folder} holds an experiment with other settings, and results are never mixed here:\n  ${changed.join("\n  ")}\n` +
        "Name another folder with --out, or give the settings of this one.",
    );
  }
  const wanted = new Set(data.items.map((item) => recordKey(cell, item)));
  const done = [...samples.records.values()].filter(({ status }) => status === "done");
  const strays = done.filter(({ key }) => !wanted.has(key)).map(({ item }) => item);
  if (strays.length === 0) return;
  const names = new Set(data.items.map(({ name }) => name));
  const known = new Map(before.items.map(({ id, name }) => [id, name]));
  const strayNames = strays.map((id) => known.get(id as string) ?? String(id));
  const unasked = strayNames.filter((name) => !names.has(name));
  const [odd, complaint] =
    unasked.length > 0 ? [unasked, "are not asked for now"] : [strayNames, "are about other pictures"];
  throw new DataError(
    `${folder} holds an experiment of which ${odd.length} of ${done.length} answers ${complaint} (${someOf(odd)}), and results are ` +
      "never mixed here. Name another folder with --out, or give the data that it was made with.",
  );
}

function writeAnswers({ experiment }: ExperimentResult): void {
  const { answersFile } = benchmarkNamed(experiment.benchmark);
  if (answersFile === undefined) return;
  const answers = answersOf(experiment, experiment.cells[0]!);
  const lines = answers.map(({ item, answer }) => `${JSON.stringify(answersFile.line(answer, item))}\n`);
  writeWhole(join(experiment.folder, answersFile.name), lines.join(""));
}
