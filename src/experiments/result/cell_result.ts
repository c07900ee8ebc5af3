import type { Comparison, Metric } from "../../benchmarks";
import type { Table } from "../../report/tables";
import type { Intervals, MetricValues } from "../../statistics";
import type { PlannedCell } from "../plan";
import type { Drop } from "../schedule/scheduler";

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
  /** Answers it has, of how many that the experiment asks for; those that failed. */
  items: number;
  of: number;
  failed: number;
  /** Whether no other cell has more answers: figures of fewer (a dropped cell's, one's whose rows failed) are of other images, and do not rank. */
  whole: boolean;
  /** null where a figure is not defined, or nothing is answered yet. */
  figures: MetricValues;
  intervals: Intervals;
  /** With its baseline, on the items that both have answered; absent for a baseline itself, and where none is in the experiment. */
  comparison?: CellComparison;
}

export interface CellComparison
  extends Pick<Comparison, "images" | "questions" | "tested" | "differences" | "intervals" | "pValues"> {
  /** Name of the baseline. */
  baseline: string;
  /** Wilcoxon's p-value adjusted by Holm for all comparisons of the table. */
  adjusted: number | null;
}

/** The cells of an experiment by one metric: best first those with most answers, then those with fewer, the dropped last. */
export interface MetricResult {
  metric: Metric;
  /** The figure that cells are ranked by, in full. */
  primary: string;
  cells: CellResult[];
  /** All that a cell's answers show by this metric; undefined where it has none. */
  tableOf(cell: PlannedCell): Table | undefined;
  /** A cell's answers as the metric has read them, such as CHAIR's sentences. */
  partsOf(cell: PlannedCell): readonly unknown[];
}
