import { figureInfo, figureNamed, isLowerBetter } from "../benchmarks/figure";
import { intervalCell } from "../benchmarks/tables";
import type { Interval } from "../statistics";
import type { ExperimentData } from "./items";
import { type PlannedCell, recordKey } from "./plan";
import type { Scores } from "./result/scores";
import type { ExperimentFolder } from "./store/folder";
import type { RowRecord } from "./store/record";

/** How far an experiment is. */
export interface ExperimentProgress {
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
    | {
        name: string;
        figure: string;
        /** As tables print it, with its interval. */
        text: string;
        value: number;
        interval: Interval | null;
        answers: number;
      }
    | undefined;
}

export interface MonitorOptions {
  data: ExperimentData;
  folder: ExperimentFolder;
  /** Cells of models whose turn comes later. */
  later: number;
  onProgress?(progress: ExperimentProgress): void;
}

/** Resamples of an interval that is only looked at. */
const quickly = { resamples: 200 };

/** Keeps count while an experiment runs. Leaders are scored anew only where that takes a tenth of the time at most. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #scores: Scores | undefined;
  readonly #started = performance.now();
  #cells: readonly PlannedCell[] = [];
  #needed = new Set<string>();
  #done = 0;
  #tokens = 0;
  #inFlight = 0;
  #best: ExperimentProgress["best"];
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

  recorded({ tokens, key }: RowRecord): void {
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

  #leader(): ExperimentProgress["best"] {
    const started = performance.now();
    if (this.#scores === undefined || started < this.#nextBest) return this.#best;
    const scores = this.#scores;
    const { primary, figures: infos } = scores.metric;
    const items = scores.commonItems(this.#cells.map(({ id }) => id));
    const values = this.#cells.flatMap((cell) => {
      const figures = scores.summary(cell.id, { resamples: 0 }, items)?.figures;
      const value = figures?.[figureNamed(figures, primary)];
      return typeof value === "number" ? [{ cell, value }] : [];
    });
    const sign = isLowerBetter(infos, primary) ? 1 : -1;
    const [first] = values.sort((a, b) => sign * (a.value - b.value));
    if (first !== undefined) {
      const { figures, intervals } = scores.summary(first.cell.id, quickly, items)!;
      const figure = figureNamed(figures, primary);
      const interval = intervals[figure] ?? null;
      const text = intervalCell(figureInfo(infos, figure), first.value, interval);
      const { name } = first.cell;
      this.#best = { name, figure, text, value: first.value, interval, answers: items.length };
    }
    this.#nextBest = started + 10 * (performance.now() - started);
    return this.#best;
  }
}
