import { join } from "node:path";
import { writeWholeJson } from "../../base/whole_file";
import type { Metric } from "../../benchmarks";
import type { Answer } from "../../benchmarks/benchmark";
import { figureNamed } from "../../benchmarks/figure";
import { renderTable, type TableFormat } from "../../report/tables";
import { holm } from "../../statistics";
import { isBaseline, type PlannedCell, recordKey } from "../plan";
import type { StoredItem } from "../store/description";
import type { StoredExperiment } from "../store/folder";
import type { CellComparison, CellResult, CellState, MetricResult } from "./cell_result";
import { metricsOf } from "./metrics";
import { bestFirst } from "./ranking";
import { Scores } from "./scores";
import { seedTable } from "./seeds";
import { resultTable } from "./table";

/** What an experiment found. */
export class ExperimentResult {
  readonly experiment: StoredExperiment;
  readonly metrics: readonly MetricResult[];

  /** @param metrics default: those that the experiment was run with */
  constructor(experiment: StoredExperiment, metrics: readonly Metric[] = metricsOf(experiment)) {
    this.experiment = experiment;
    this.metrics = metrics.map((metric) => evaluate(experiment, metric));
  }

  get folder(): string {
    return this.experiment.folder;
  }

  /** Answers that failed, with their reasons. */
  get failed(): { key: string; name: string; error: string }[] {
    const { cells, items, records } = this.experiment;
    const all = cells.flatMap((cell) =>
      items.map((item) => ({ item, record: records.get(recordKey(cell, item)) })),
    );
    return all.flatMap(({ item: { name }, record }) =>
      record?.status === "failed" ? [{ key: record.key, name, error: String(record.error) }] : [],
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
    writeWholeJson(join(this.folder, "results.json"), results);
  }
}

/** A cell's finished answers, in the order of the items. */
export function answersOf(
  { items, records }: StoredExperiment,
  cell: { id: string },
): { item: StoredItem; answer: Answer }[] {
  return items.flatMap((item) => {
    const record = records.get(recordKey(cell, item));
    return record?.status === "done" ? [{ item, answer: record as unknown as Answer }] : [];
  });
}

/** How far every cell is, without reading an answer. */
export function cellStates(
  experiment: StoredExperiment,
): { id: string; name: string; done: number; failed: number; state: CellState }[] {
  return experiment.cells.map((cell) => {
    const records = experiment.items.flatMap((item) => experiment.records.get(recordKey(cell, item)) ?? []);
    const failed = records.filter(({ status }) => status === "failed").length;
    const state = stateOf(experiment, cell, records.length);
    return { id: cell.id, name: cell.name, done: records.length - failed, failed, state };
  });
}

function evaluate(experiment: StoredExperiment, metric: Metric): MetricResult {
  const scores = new Scores(metric, experiment.items);
  for (const record of experiment.records.values()) scores.add(record);
  const states = cellStates(experiment);
  const most = Math.max(...states.map(({ done }) => done));
  const cells = experiment.cells.map((cell, i): CellResult => {
    const { state, done, failed } = states[i]!;
    const summary = scores.summary(cell.id);
    const comparison = compareWithBaseline(experiment, scores, cell);
    return {
      ...{ cell, state, items: done, of: experiment.items.length, failed, whole: done === most },
      figures: summary?.figures ?? {},
      intervals: summary?.intervals ?? {},
      ...(comparison && { comparison }),
    };
  });
  const sample = cells.find(({ items }) => items > 0)?.figures ?? {};
  const primary = figureNamed(sample, metric.primary);
  adjust(cells);
  const tableOf = (wanted: PlannedCell) => {
    const found = cells.find(({ cell }) => cell.id === wanted.id);
    const parts = scores.partsOf(wanted.id);
    return found && parts.length > 0 ? metric.table(parts, found) : undefined;
  };
  const partsOf = ({ id }: PlannedCell) => scores.partsOf(id);
  return { metric, primary, cells: [...cells].sort(bestFirst(metric, primary)), tableOf, partsOf };
}

function stateOf({ drops, items }: StoredExperiment, { id }: PlannedCell, done: number): CellState {
  const drop = drops.find(({ cell }) => cell === id);
  if (drop) return { state: "dropped", drop };
  if (done === 0) return { state: "planned" };
  return done < items.length ? { state: "partial", done, of: items.length } : { state: "done" };
}

/** Paired, so on the items that both have answered. */
function compareWithBaseline(
  { cells }: StoredExperiment,
  scores: Scores,
  cell: PlannedCell,
): CellComparison | undefined {
  const baseline = cells.find(({ id }) => id === cell.baseline);
  if (baseline === undefined || isBaseline(cell)) return undefined;
  const comparison = scores.comparison(baseline.id, cell.id);
  if (comparison === undefined) return undefined;
  const { images, questions, tested, differences, intervals, pValues } = comparison;
  return {
    ...{ baseline: baseline.name, images, tested, differences, intervals, pValues, adjusted: null },
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
