import { DataError } from "../base/data_error";
import { groups } from "../base/groups";
import type { Metric } from "../benchmarks";
import { isLowerBetter } from "../benchmarks/benchmark";
import type { LoadOptions, Model } from "../client";
import type { Attention, aai, Contrast, greedy, none, Search } from "../methods";
import { requireBaselines } from "./baselines";
import { type SweepData, withImageBytes } from "./data";
import { type ModelHolder, runRows } from "./decode/run_rows";
import { Crew, type StartWorker } from "./decode/workers";
import { type PlannedCell, planCells, rowTask } from "./plan";
import { Monitor, type SweepProgress } from "./progress";
import { SweepResult } from "./result/result";
import { Scores } from "./result/scores";
import { everything, type Scheduler } from "./schedule/scheduler";
import type { Axes } from "./space/axes";
import type { Cell } from "./space/cells";
import { type Base, space } from "./space/space";
import { runContext } from "./store/context";
import { readSweep, SweepFolder } from "./store/folder";

type None = typeof none;

/** What is done to decoding. */
export type SweepSpace<A extends Attention, C extends Contrast | None, S extends Search> =
  | Axes<A, C, S>
  | { cells(): Cell[] };

/** Who decodes: a model that is loaded, or workers that load one themselves and are started again where they die. */
export type Decoders =
  | { model: Model; workers?: never; load?: never }
  | { workers: readonly StartWorker[]; load?: LoadOptions; model?: never };

export interface SweepSettings {
  /** What is asked: `cocoCaptions({…})` or `popeQuestions({…})`. */
  data: SweepData;
  /** `chair({…})` for captions, `pope({…})` for questions; several are tabled one after the other. */
  metrics: readonly Metric[];
  /** The sweep's folder: where it lies already, the sweep goes on, and does what is new. */
  out: string;
  /** Which cells see which images: `everything` (default), `racing({…})`, `halving({…})`, or a function of yours. */
  scheduler?: Scheduler;
  /** Name of the cell that all of its checkpoint are compared with, or names. Default: each with the plain cell of its search, prompt and template. */
  baseline?: string | readonly string[];
  /** Rows decoded together by a worker; does not change the answers. Default "auto". */
  batchSize?: number | "auto";
  /** Do failed rows again. Default false. */
  retryFailed?: boolean;
  signal?: AbortSignal;
  onProgress?(progress: SweepProgress): void;
}

/**
 * Decodes every image under every cell of a space, as rows that share their image's prefill, into a folder that a
 * repeated call goes on with: what is there is never done again, new cells and images are. Settings beside the space
 * (`attention`, `search` …) are its base.
 * @throws DataError, ParameterError, WorkerError, WorkerDiedError; what is recorded stays
 */
export async function sweep<
  A extends Attention = ReturnType<typeof aai>,
  C extends Contrast | None = None,
  S extends Search = ReturnType<typeof greedy>,
  A2 extends Attention = A,
  C2 extends Contrast | None = C,
  S2 extends Search = S,
>(
  options: SweepSettings & Decoders & Base<A, C, S> & { space: SweepSpace<A2, C2, S2> },
): Promise<SweepResult> {
  const { metrics, out, scheduler = everything } = options;
  const cells = cellsOf(options);
  const baselines = [options.baseline ?? []].flat();
  requireBaselines(cells, baselines);
  requireFitting(options.data, metrics);
  const data = await withImageBytes(options.data);
  await using crew = options.workers && new Crew(options.workers, options.load ?? {});
  const byModel = groups(cells, ({ settings }) => settings.checkpoint ?? "");
  let folder: SweepFolder | undefined;
  try {
    for (const [index, group] of byModel.entries()) {
      const holders = await holdersOf(options, crew, group[0]!);
      const planned = planCells(group, holders[0]!.model, data, baselines);
      folder ??= SweepFolder.open(
        out,
        data,
        {
          metrics: metrics.map(({ description }) => description),
          scheduler: scheduler.description ?? { rule: scheduler.name || "a function of the caller's" },
        },
        await runContext(await crew?.first()),
      );
      folder.add(planned);
      await compete({
        ...options,
        data,
        folder,
        planned,
        holders,
        later: byModel.slice(index + 1).flat().length,
      });
    }
    folder?.attest(data.items);
  } finally {
    folder?.close();
  }
  const result = new SweepResult(readSweep(out), metrics);
  result.save();
  return result;
}

/** The cells of a call of `sweep`. @throws ParameterError, DataError */
export function cellsOf(options: Decoders & Base & { space: object }): Cell[] {
  const { attention, contrast, search, prompt, template, checkpoint, model, space: axes } = options;
  const base = { attention, contrast, search, prompt, template, checkpoint };
  const given = Object.fromEntries(Object.entries(base).filter(([, value]) => value !== undefined));
  const composed = "cells" in axes ? (axes as { cells(): Cell[] }) : undefined;
  if (composed && Object.keys(given).length > 0) {
    throw new DataError(
      `${Object.keys(given).join(", ")} stands beside a composed space; give it to space({…}), where the cells are made.`,
    );
  }
  const cells: Cell[] = composed
    ? composed.cells()
    : space(given as Base)
        .grid(axes as object)
        .cells();
  const named = cells.find(({ settings }) => settings.checkpoint !== undefined);
  if (model && named) {
    throw new DataError(
      `The space names the checkpoint ${named.settings.checkpoint}, but the sweep was given a loaded model; give it workers instead.`,
    );
  }
  if (!model && cells.some(({ settings }) => settings.checkpoint === undefined))
    throw new DataError("The workers do not know what to load; name a checkpoint.");
  return cells;
}

function requireFitting(data: SweepData, metrics: readonly Metric[]): void {
  const odd = metrics.find(({ kind }) => kind !== data.kind);
  if (odd)
    throw new DataError(`${odd.kind}() does not score ${data.kind} data; use ${data.kind}() with these.`);
  if (data.kind === "chair" && metrics.length > 0 && Object.keys(data.groundTruth).length === 0)
    throw new DataError("chair() needs to know what is in the images; give cocoCaptions their annotations.");
}

async function holdersOf(options: Decoders, crew: Crew | undefined, cell: Cell): Promise<ModelHolder[]> {
  return options.model ? [{ model: options.model }] : crew!.load(cell.settings.checkpoint!);
}

interface Competition extends SweepSettings {
  folder: SweepFolder;
  planned: readonly PlannedCell[];
  holders: readonly ModelHolder[];
  /** Cells of models whose turn comes later. */
  later: number;
}

/** Rounds of one model's cells, until the scheduler has seen enough. */
async function compete(competition: Competition): Promise<void> {
  const { folder, data, metrics, holders, planned, scheduler = everything } = competition;
  const scores = metrics[0] && new Scores(metrics[0], data);
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
      lowerIsBetter: (figure) => isLowerBetter(figureOf(figure)),
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
