import { DataError } from "../base/data_error";
import type { Attention, aai, Contrast, greedy, none, Search } from "../methods";
import { requireBaselines } from "./baselines";
import type { ExperimentResult } from "./result/result";
import { type Decoders, type ExperimentSettings, runExperiment } from "./run_experiment";
import { everything, type Scheduler } from "./schedule/scheduler";
import type { Axes } from "./space/axes";
import type { Cell } from "./space/cells";
import { type Base, space } from "./space/space";

type None = typeof none;

/** What is done to decoding. */
export type SweepSpace<A extends Attention, C extends Contrast | None, S extends Search> =
  | Axes<A, C, S>
  | { cells(): Cell[] };

export interface SweepSettings extends ExperimentSettings {
  /** The sweep's folder: where it lies already, the sweep goes on, and does what is new. */
  out: string;
  /** Which cells see which images: `everything` (default), `racing({…})`, `halving({…})`, or a function of yours. */
  scheduler?: Scheduler;
  /** Name of the cell that all of its checkpoint are compared with, or names. Default: each with the plain cell of its search, prompt and template. */
  baseline?: string | readonly string[];
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
): Promise<ExperimentResult> {
  const { out, scheduler = everything } = options;
  const cells = cellsOf(options);
  const baselines = [options.baseline ?? []].flat();
  requireBaselines(cells, baselines);
  return runExperiment(options, { cells, baselines, scheduler, folderOf: () => out });
}

/** @throws ParameterError, DataError where a base stands beside a space that has its own */
function cellsOf(options: Base & { space: object }): Cell[] {
  const { attention, contrast, search, prompt, template, checkpoint, space: axes } = options;
  const base = { attention, contrast, search, prompt, template, checkpoint };
  const given = Object.fromEntries(Object.entries(base).filter(([, value]) => value !== undefined));
  const composed = "cells" in axes ? (axes as { cells(): Cell[] }) : undefined;
  if (composed === undefined)
    return space(given as Base)
      .grid(axes as object)
      .cells();
  if (Object.keys(given).length === 0) return composed.cells();
  throw new DataError(
    `${Object.keys(given).join(", ")} stands beside a composed space; give it to space({…}), where the cells are made.`,
  );
}
