import { join } from "node:path";
import type { Comparison, Metric } from "../../benchmarks";
import { compare } from "../../benchmarks";
import { figureNamed, figuresOf } from "../../benchmarks/benchmark";
import { renderTable, type TableFormat } from "../../report/tables";
import type { Intervals, MetricValues } from "../../statistics";
import { holm } from "../../statistics";
import { isBaseline, type PlannedCell, recordKey } from "../plan";
import type { Drop } from "../schedule/scheduler";
import { writeWhole } from "../store/files";
import type { StoredSweep } from "../store/folder";
import { metricsOf } from "./metrics";
import { bestFirst } from "./ranking";
import { Scores } from "./scores";
import { seedTable } from "./seeds";
import { resultTable } from "./table";

/** How far a cell came. */
export type CellState =
  | { state: "planned" }
  | { state: "partial"; done: number; of: number }
  | { state: "dropped"; drop: Drop }
  | { state: "done" };

/** A cell and its figures by one metric. */
export interface CellResult {
  cell: PlannedCell;
  state: CellState;
  /** Answers it has, of how many that the sweep asks for; those that failed. */
  items: number;
  of: number;
  failed: number;
  /** Whether no other cell has more answers: figures of fewer (a dropped cell's, one's whose rows failed) are of other images, and do not rank. */
  whole: boolean;
  /** null where a figure is not defined, or nothing is answered yet. */
  figures: MetricValues;
  intervals: Intervals;
  /** With its baseline, on the items that both have answered; absent for a baseline itself, and where none is in the sweep. */
  comparison?: CellComparison;
}

export interface CellComparison
  extends Pick<Comparison, "images" | "questions" | "differences" | "intervals" | "pValues"> {
  /** Name of the baseline. */
  baseline: string;
  /** Wilcoxon's p-value adjusted by Holm for all comparisons of the table. */
  adjusted: number | null;
}

/** The cells of a sweep by one metric: best first those with most answers, then those with fewer, the dropped last. */
export interface MetricResult {
  metric: Metric;
  /** The figure that cells are ranked by, in full. */
  primary: string;
  cells: CellResult[];
}

/** What a sweep found. */
export class SweepResult {
  readonly sweep: StoredSweep;
  readonly metrics: readonly MetricResult[];

  /** @param metrics default: those that the sweep was run with */
  constructor(sweep: StoredSweep, metrics: readonly Metric[] = metricsOf(sweep)) {
    this.sweep = sweep;
    this.metrics = metrics.map((metric) => evaluate(sweep, metric));
  }

  get folder(): string {
    return this.sweep.folder;
  }

  /** Answers that failed, with their reasons. */
  get failed(): { key: string; error: string }[] {
    const { cells, items, records } = this.sweep;
    const all = cells.flatMap((cell) => items.map((item) => records.get(recordKey(cell, item))));
    return all.flatMap((record) =>
      record?.status === "failed" ? [{ key: record.key, error: String(record.error) }] : [],
    );
  }

  /** The best by the first metric of the cells with most answers. */
  get best(): CellResult | undefined {
    return this.metrics[0]?.cells[0];
  }

  /** Every metric's table, best cell first, with intervals and paired tests against the baseline; under it the spread over seeds. */
  table(format: TableFormat = "terminal"): string {
    const tables = this.metrics.flatMap((one) => {
      const seeds = seedTable(one);
      return seeds ? [resultTable(one), seeds] : [resultTable(one)];
    });
    return tables.map((table) => renderTable(table, format)).join("\n\n");
  }

  /** Writes `results.json`. */
  save(): void {
    const results = this.metrics.map(({ metric, primary, cells }) => ({
      metric: metric.description,
      primary,
      cells: cells.map(({ cell: { id, name, baseline }, ...rest }) => ({ id, name, baseline, ...rest })),
    }));
    writeWhole(join(this.folder, "results.json"), results);
  }
}

/** How far every cell is, without reading an answer. */
export function cellStates(
  sweep: StoredSweep,
): { id: string; name: string; done: number; failed: number; state: CellState }[] {
  return sweep.cells.map((cell) => {
    const records = sweep.items.flatMap((item) => sweep.records.get(recordKey(cell, item)) ?? []);
    const failed = records.filter(({ status }) => status === "failed").length;
    const state = stateOf(sweep, cell, records.length);
    return { id: cell.id, name: cell.name, done: records.length - failed, failed, state };
  });
}

function evaluate(sweep: StoredSweep, metric: Metric): MetricResult {
  const scores = new Scores(metric, sweep);
  for (const record of sweep.records.values()) scores.add(record);
  const states = cellStates(sweep);
  const most = Math.max(...states.map(({ done }) => done));
  const cells = sweep.cells.map((cell, i): CellResult => {
    const { state, done, failed } = states[i]!;
    const result = scores.result(cell.id);
    const comparison = compareWithBaseline(sweep, scores, cell);
    return {
      ...{ cell, state, items: done, of: sweep.items.length, failed, whole: done === most },
      figures: result ? figuresOf(result) : {},
      intervals: result?.intervals ?? {},
      ...(comparison && { comparison }),
    };
  });
  const sample = cells.find(({ items }) => items > 0)?.figures ?? {};
  const primary = figureNamed(sample, metric.primary);
  adjust(cells);
  return { metric, primary, cells: cells.sort(bestFirst(primary)) };
}

function stateOf({ drops, items }: StoredSweep, { id }: PlannedCell, done: number): CellState {
  const drop = drops.find(({ cell }) => cell === id);
  if (drop) return { state: "dropped", drop };
  if (done === 0) return { state: "planned" };
  return done < items.length ? { state: "partial", done, of: items.length } : { state: "done" };
}

/** Paired, so on the items that both have answered. */
function compareWithBaseline(
  { cells }: StoredSweep,
  scores: Scores,
  cell: PlannedCell,
): CellComparison | undefined {
  const baseline = cells.find(({ id }) => id === cell.baseline);
  if (baseline === undefined || isBaseline(cell)) return undefined;
  const answered = new Set(scores.itemsOf(baseline.id));
  const both = scores.itemsOf(cell.id).filter((item) => answered.has(item));
  if (both.length === 0) return undefined;
  const [before, after] = [baseline, cell].map(({ id }) => scores.result(id, { resamples: 0 }, both)!);
  const { images, questions, differences, intervals, pValues } = compare(before!, after!);
  return {
    ...{ baseline: baseline.name, images, differences, intervals, pValues, adjusted: null },
    ...(questions && { questions }),
  };
}

function adjust(cells: readonly CellResult[]): void {
  const compared = cells.flatMap(({ comparison }) => comparison ?? []);
  const adjusted = holm(compared.map(({ pValues }) => pValues.wilcoxon));
  compared.forEach((comparison, i) => {
    comparison.adjusted = adjusted[i]!;
  });
}
