import type { ChairResult, GroundTruth, Metric, PopeResult } from "../../benchmarks";
import type { Answer } from "../../benchmarks/benchmark";
import type { BootstrapOptions } from "../../statistics";
import type { RunRecord } from "../store/samples";

interface Entry {
  image: string;
  part: unknown;
}

/** The answers of a sweep as one metric reads them, each read once. */
export class Scores {
  readonly metric: Metric;
  readonly #groundTruth: GroundTruth;
  readonly #imageOf: ReadonlyMap<string, string>;
  readonly #cells = new Map<string, Map<string, Entry>>();

  constructor(
    metric: Metric,
    { items, groundTruth }: { items: readonly { id: string; image: string }[]; groundTruth: GroundTruth },
  ) {
    this.metric = metric;
    this.#groundTruth = groundTruth;
    this.#imageOf = new Map(items.map(({ id, image }) => [id, image]));
  }

  /** Takes a finished answer in; failed ones, and those to items that are not in the sweep now, do not count. */
  add(record: RunRecord): void {
    const { cell, item, status } = record as RunRecord & { cell: string; item: string };
    const image = this.#imageOf.get(item);
    if (status !== "done" || image === undefined) return;
    const part = this.metric.read(record as unknown as Answer, this.#groundTruth);
    if (!this.#cells.has(cell)) this.#cells.set(cell, new Map());
    this.#cells.get(cell)!.set(item, { image, part });
  }

  /** Items that a cell has answered, in the order of the data. */
  itemsOf(cell: string): string[] {
    const entries = this.#cells.get(cell);
    return entries ? [...this.#imageOf.keys()].filter((item) => entries.has(item)) : [];
  }

  /** Items that all of these cells have answered; those without any answer yet do not count. */
  commonItems(cells: readonly string[]): string[] {
    const answered = cells.flatMap((cell) => this.#cells.get(cell) ?? []);
    if (answered.length === 0) return [];
    return [...this.#imageOf.keys()].filter((item) => answered.every((entries) => entries.has(item)));
  }

  /** The figures of a cell, on these of its items only; undefined where it has none. */
  result(
    cell: string,
    bootstrap?: BootstrapOptions,
    items = this.itemsOf(cell),
  ): ChairResult | PopeResult | undefined {
    const entries = this.#cells.get(cell);
    if (items.length === 0 || entries === undefined) return undefined;
    const sumUp = this.metric.sumUp as (
      parts: unknown[],
      bootstrap?: BootstrapOptions,
    ) => ChairResult | PopeResult;
    return sumUp(
      items.map((item) => entries.get(item)!.part),
      bootstrap,
    );
  }

  /** Image -> mean of a figure over the cell's answers about it, one a distinct question. */
  perImage(cell: string, figure: string): Map<string, number> {
    const { perItem, unit } = this.metric as Readers;
    const entries = this.#cells.get(cell);
    const values = new Map<string, Map<string, number>>();
    for (const item of this.itemsOf(cell)) {
      const { image, part } = entries!.get(item)!;
      const value = perItem(part)[figure];
      const ofImage = values.get(image) ?? new Map();
      if (value === undefined || ofImage.has(unit(part))) continue;
      values.set(image, ofImage.set(unit(part), value));
    }
    return new Map([...values].map(([image, all]) => [image, mean([...all.values()])]));
  }
}

/** A metric's readers of parts, whichever metric's parts they are. */
interface Readers {
  unit(part: unknown): string;
  perItem(part: unknown): Readonly<Record<string, number>>;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
