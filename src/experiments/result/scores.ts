import type { BenchmarkItem, Metric, Summary } from "../../benchmarks";
import { type Answer, sumUp } from "../../benchmarks/benchmark";
import { type Comparison, compareAnswers } from "../../benchmarks/compare";
import type { BootstrapOptions } from "../../statistics";
import type { RowRecord } from "../store/record";

type Item = Pick<BenchmarkItem, "id" | "image" | "fields" | "reference">;

/** The answers of an experiment as one metric reads them, each read once. */
export class Scores {
  readonly metric: Metric;
  readonly #items: ReadonlyMap<string, Item>;
  /** By cell and item. */
  readonly #parts = new Map<string, Map<string, unknown>>();

  constructor(metric: Metric, items: readonly Item[]) {
    this.metric = metric;
    this.#items = new Map(items.map((item) => [item.id, item]));
  }

  /** Takes a finished answer in; failed ones, and those to items that are not in the experiment now, do not count. */
  add(record: RowRecord): void {
    const { cell, item: id, status } = record as RowRecord & { cell: string; item: string };
    const item = this.#items.get(id);
    if (status !== "done" || item === undefined) return;
    const part = this.metric.read(record as unknown as Answer, item);
    if (!this.#parts.has(cell)) this.#parts.set(cell, new Map());
    this.#parts.get(cell)!.set(id, part);
  }

  /** Items that a cell has answered, in the order of the data. */
  itemsOf(cell: string): string[] {
    const parts = this.#parts.get(cell);
    return parts ? [...this.#items.keys()].filter((item) => parts.has(item)) : [];
  }

  /** Items that all of these cells have answered; those without any answer yet do not count. */
  commonItems(cells: readonly string[]): string[] {
    const answered = cells.flatMap((cell) => this.#parts.get(cell) ?? []);
    if (answered.length === 0) return [];
    return [...this.#items.keys()].filter((item) => answered.every((parts) => parts.has(item)));
  }

  /** A cell's answers as the metric has read them, to these of its items only. */
  partsOf(cell: string, items = this.itemsOf(cell)): unknown[] {
    const parts = this.#parts.get(cell);
    return parts ? items.map((item) => parts.get(item)) : [];
  }

  /** The figures of a cell, on these of its items only; undefined where it has none. */
  summary(cell: string, bootstrap?: BootstrapOptions, items = this.itemsOf(cell)): Summary | undefined {
    const parts = this.partsOf(cell, items);
    return parts.length === 0 ? undefined : sumUp(this.metric, parts, bootstrap);
  }

  /** Two cells on the items that both have answered; undefined where there is none. */
  comparison(before: string, after: string): Comparison | undefined {
    const answered = new Set(this.itemsOf(before));
    const both = this.itemsOf(after).filter((item) => answered.has(item));
    if (both.length === 0) return undefined;
    return compareAnswers(this.metric, this.partsOf(before, both), this.partsOf(after, both));
  }

  /** Image -> mean of a figure over the cell's answers about it, one a distinct question. */
  perImage(cell: string, figure: string): Map<string, number> {
    const values = new Map<string, Map<string, number>>();
    for (const part of this.partsOf(cell)) {
      const { image, unit, figures } = this.metric.judge(part);
      const value = figures[figure];
      const ofImage = values.get(image) ?? new Map<string, number>();
      if (value === undefined || ofImage.has(unit)) continue;
      values.set(image, ofImage.set(unit, value));
    }
    return new Map([...values].map(([image, all]) => [image, mean([...all.values()])]));
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
