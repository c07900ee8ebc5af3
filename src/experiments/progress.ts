import { figureNamed, figuresOf, isLowerBetter } from "../benchmarks/benchmark";
import type { Interval } from "../statistics";
import type { SweepData } from "./data";
import { type PlannedCell, recordKey } from "./plan";
import type { Scores } from "./result/scores";
import type { SweepFolder } from "./store/folder";
import type { RunRecord } from "./store/samples";

/** How far a sweep is. */
export interface SweepProgress {
  /** Answers there are, of cells that are not dropped. */
  done: number;
  /** Answers there will be, if no more cells are dropped. */
  total: number;
  cells: number;
  items: number;
  /** Rows that the workers write just now. */
  inFlight: number;
  /** Since this run began. */
  tokensPerSecond: number;
  /** The cell that leads so far, on the answers (`answers` of them) that all cells have: to the same images and questions. */
  best:
    | { name: string; figure: string; value: number; interval: Interval | null; answers: number }
    | undefined;
}

export interface MonitorOptions {
  data: SweepData;
  folder: SweepFolder;
  /** Cells of models whose turn comes later. */
  later: number;
  onProgress?(progress: SweepProgress): void;
}

/** Resamples of an interval that is only looked at. */
const quickly = { resamples: 200 };

/** Keeps count while a sweep runs. Leaders are scored anew only where that takes a tenth of the time at most. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #scores: Scores | undefined;
  readonly #started = performance.now();
  #cells: readonly PlannedCell[] = [];
  #needed = new Set<string>();
  #done = 0;
  #tokens = 0;
  #inFlight = 0;
  #best: SweepProgress["best"];
  #nextBest = 0;

  constructor(options: MonitorOptions, scores: Scores | undefined) {
    this.#options = options;
    this.#scores = scores;
  }

  /** A round of these cells begins. */
  begin(cells: readonly PlannedCell[]): void {
    const { data, folder } = this.#options;
    this.#cells = cells;
    this.#needed = new Set(cells.flatMap((cell) => data.items.map((item) => recordKey(cell, item))));
    this.#done = [...folder.samples.records.keys()].filter((key) => this.#needed.has(key)).length;
  }

  alive(change: number): void {
    this.#inFlight += change;
  }

  recorded({ tokens, key }: RunRecord): void {
    this.#tokens += typeof tokens === "number" ? tokens : 0;
    if (this.#needed.delete(key)) this.#done++;
    this.report();
  }

  report(): void {
    const { data, later, onProgress } = this.#options;
    if (!onProgress) return;
    const cells = this.#cells.length;
    onProgress({
      done: this.#done,
      total: (cells + later) * data.items.length,
      cells,
      items: data.items.length,
      inFlight: this.#inFlight,
      tokensPerSecond: (1000 * this.#tokens) / (performance.now() - this.#started),
      best: this.#leader(),
    });
  }

  #leader(): SweepProgress["best"] {
    const started = performance.now();
    if (this.#scores === undefined || started < this.#nextBest) return this.#best;
    const scores = this.#scores;
    const { primary } = scores.metric;
    const items = scores.commonItems(this.#cells.map(({ id }) => id));
    const values = this.#cells.flatMap((cell) => {
      const figures = scores.result(cell.id, { resamples: 0 }, items);
      const value = figures && figuresOf(figures)[figureNamed(figuresOf(figures), primary)];
      return typeof value === "number" ? [{ cell, value }] : [];
    });
    const sign = isLowerBetter(primary) ? 1 : -1;
    const [first] = values.sort((a, b) => sign * (a.value - b.value));
    if (first !== undefined) {
      const result = scores.result(first.cell.id, quickly, items)!;
      const figure = figureNamed(figuresOf(result), primary);
      const interval = result.intervals[figure] ?? null;
      this.#best = { name: first.cell.name, figure, value: first.value, interval, answers: items.length };
    }
    this.#nextBest = started + 10 * (performance.now() - started);
    return this.#best;
  }
}
