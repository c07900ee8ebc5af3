import { DataError } from "../base/data_error";
import { groups } from "../base/groups";
import type { BenchmarkData, Metric } from "../benchmarks";
import { isLowerBetter } from "../benchmarks/figure";
import type { LoadOptions, Model } from "../client";
import { type ModelHolder, runRows } from "./decode/run_rows";
import { Crew, type StartWorker } from "./decode/workers";
import { type ExperimentData, withImageBytes } from "./items";
import { type PlannedCell, planCells, rowTask } from "./plan";
import { type ExperimentProgress, Monitor } from "./progress";
import { ExperimentResult } from "./result/result";
import { Scores } from "./result/scores";
import type { Scheduler } from "./schedule/scheduler";
import type { Cell } from "./space/cells";
import { runContext } from "./store/context";
import { ExperimentFolder, readExperiment } from "./store/folder";

/** Who decodes: a model that is loaded, or workers that load one themselves and are started again where they die. */
export type Decoders =
  | { model: Model; workers?: never; load?: never }
  | { workers: readonly StartWorker[]; load?: LoadOptions; model?: never };

/** What every experiment takes, whether it tries one decoding or many. */
export interface ExperimentSettings {
  /** What is asked: `cocoCaptions({…})` or `popeQuestions({…})`. */
  data: BenchmarkData;
  /** `chair({…})` for captions, `pope({…})` for questions; several are tabled one after the other. */
  metrics: readonly Metric[];
  /** Rows decoded together by a worker; does not change the answers. Default "auto". */
  batchSize?: number | "auto";
  /** Do failed rows again. Default false. */
  retryFailed?: boolean;
  signal?: AbortSignal;
  onProgress?(progress: ExperimentProgress): void;
}

/** What is decoded, and where to. */
export interface ExperimentPlan {
  cells: readonly Cell[];
  /** Names of cells that all of their checkpoint are compared with. */
  baselines: readonly string[];
  scheduler: Scheduler;
  /** The folder, once the first model's cells are known. */
  folderOf(cells: readonly PlannedCell[], data: ExperimentData): string;
  /** Called before anything in the folder changes. @throws DataError where it must not go on */
  check?(folder: ExperimentFolder, cells: readonly PlannedCell[], data: ExperimentData): void;
}

/**
 * Decodes every item under every cell, as rows that share their image's prefill, into a folder that a repeated call goes
 * on with: what is there is never done again, new cells and items are.
 * @throws DataError, ParameterError, WorkerError, WorkerDiedError, AbortError; what is recorded stays
 */
export async function runExperiment(
  options: ExperimentSettings & Decoders,
  plan: ExperimentPlan,
): Promise<ExperimentResult> {
  const { metrics } = options;
  requireLoadable(options, plan.cells);
  requireFitting(options.data, metrics);
  const data = await withImageBytes(options.data);
  await using crew = options.workers && new Crew(options.workers, options.load ?? {});
  const byModel = groups(plan.cells, ({ settings }) => settings.checkpoint ?? "");
  let folder: ExperimentFolder | undefined;
  try {
    for (const [index, group] of byModel.entries()) {
      const holders = await holdersOf(options, crew, group[0]!);
      const planned = planCells(group, holders[0]!.model, data, plan.baselines);
      if (folder === undefined) {
        const context = await runContext(await crew?.first());
        folder = ExperimentFolder.open(plan.folderOf(planned, data));
        plan.check?.(folder, planned, data);
        folder.begin(data, aboutOf(metrics, plan.scheduler), context);
      }
      folder.add(planned);
      const later = byModel.slice(index + 1).flat().length;
      await compete({ ...options, scheduler: plan.scheduler, data, folder, planned, holders, later });
    }
    folder?.attest(data.items);
  } finally {
    folder?.close();
  }
  const result = new ExperimentResult(readExperiment(folder!.folder), metrics);
  result.save();
  return result;
}

function aboutOf(metrics: readonly Metric[], scheduler: Scheduler) {
  return {
    metrics: metrics.map(({ description }) => description),
    scheduler: scheduler.description ?? { rule: scheduler.name || "a function of the caller's" },
  };
}

function requireLoadable({ model }: Decoders, cells: readonly Cell[]): void {
  const named = cells.find(({ settings }) => settings.checkpoint !== undefined);
  if (model && named) {
    throw new DataError(
      `The space names the checkpoint ${named.settings.checkpoint}, but a loaded model was given; give workers instead.`,
    );
  }
  if (!model && cells.some(({ settings }) => settings.checkpoint === undefined))
    throw new DataError("The workers do not know what to load; name a checkpoint.");
}

function requireFitting({ benchmark, items }: BenchmarkData, metrics: readonly Metric[]): void {
  const odd = metrics.find((metric) => metric.benchmark !== benchmark);
  if (odd)
    throw new DataError(
      `${odd.benchmark}() does not score ${benchmark} data; use ${benchmark}() with these.`,
    );
  const unseen = items.find(({ path }) => path === undefined);
  if (unseen)
    throw new DataError(
      `The data do not say where the image ${unseen.image} is; give them the folder of images.`,
    );
  const scoring = metrics.find(({ needsReference }) => needsReference);
  const bare = items.filter(({ reference }) => reference === undefined).length;
  if (scoring && bare > 0) {
    throw new DataError(
      `${scoring.benchmark}() scores answers by what is in the images, and of ${bare} of ${items.length} that is not known; ` +
        "give the data annotations or a groundTruth, or no metric.",
    );
  }
}

async function holdersOf(options: Decoders, crew: Crew | undefined, cell: Cell): Promise<ModelHolder[]> {
  return options.model ? [{ model: options.model }] : crew!.load(cell.settings.checkpoint!);
}

interface Competition extends ExperimentSettings {
  data: ExperimentData;
  scheduler: Scheduler;
  folder: ExperimentFolder;
  planned: readonly PlannedCell[];
  holders: readonly ModelHolder[];
  /** Cells of models whose turn comes later. */
  later: number;
}

/** Rounds of one model's cells, until the scheduler has seen enough. */
async function compete(competition: Competition): Promise<void> {
  const { folder, data, metrics, holders, planned, scheduler } = competition;
  const scores = metrics[0] && new Scores(metrics[0], data.items);
  for (const record of folder.samples.records.values()) scores?.add(record);
  const images = [...new Set(data.items.map(({ image }) => image))];
  const figureOf = (figure: string | undefined) => figure ?? metrics[0]?.primary ?? "";
  const monitor = new Monitor(competition, scores);
  let cells = planned;
  for (let round = 0; ; round++) {
    const step = scheduler({
      cells,
      images,
      round,
      scores: (cell, figure) => scores?.perImage(cell.id, figureOf(figure)) ?? new Map(),
      lowerIsBetter: (figure) => isLowerBetter(metrics[0]?.figures ?? {}, figureOf(figure)),
    });
    if (step === undefined) return;
    folder.drop(step.drops);
    const dropped = new Set(step.drops.map(({ cell }) => cell));
    cells = cells.filter(({ id }) => !dropped.has(id));
    const wanted = new Set(step.images);
    const items = data.items.filter(({ image }) => wanted.has(image));
    const tasks = items.flatMap((item) => cells.map((cell) => rowTask(cell, item, data)));
    monitor.begin(cells);
    await runRows(folder.samples, holders, tasks, {
      batchSize: competition.batchSize ?? "auto",
      probes: data.probes,
      signal: competition.signal,
      retryFailed: competition.retryFailed ?? false,
      onAlive: (change) => monitor.alive(change),
      onStart: () => monitor.report(),
      onRecord: (record) => {
        scores?.add(record);
        monitor.recorded(record);
      },
    });
  }
}
