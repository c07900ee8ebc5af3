import type { Table } from "../report/tables";
import type { Comparison } from "./compare";
import { type FigureInfo, type Figures, figureInfo } from "./figure";

type Values = Readonly<Record<string, number | null>>;
type Interval = readonly [number, number] | null | undefined;

/** A figure as it is printed: shares in per cent with one decimal, as the papers do; – where it is not defined. */
export function figureCell({ scale }: FigureInfo, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return (scale * value)
    .toFixed(1)
    .replace(/^-0\.0$/, "0.0")
    .replace(/^-/, "−");
}

/** A figure with its 95 % interval: `12.7 [10.9, 14.6]`. */
export function intervalCell(info: FigureInfo, value: number | null | undefined, interval: Interval): string {
  if (!interval) return figureCell(info, value);
  return `${figureCell(info, value)} [${figureCell(info, interval[0])}, ${figureCell(info, interval[1])}]`;
}

/** The name of a figure above its column, with its unit: `CHAIRi %`. */
export function figureTitle(figures: Figures, name: string): string {
  const { unit } = figureInfo(figures, name);
  return unit === "" ? name : `${name} ${unit}`;
}

/** One set of answers, a figure a row. */
export function summaryTable(
  figures: Figures,
  { figures: values, intervals }: { figures: Values; intervals: Readonly<Record<string, Interval>> },
): Table {
  const rangeCell = (info: FigureInfo, interval: Interval) =>
    interval ? `${figureCell(info, interval[0])} – ${figureCell(info, interval[1])}` : "–";
  return {
    columns: [
      { name: "metric" },
      { name: "value", align: "right" },
      { name: "95 % interval", align: "right" },
    ],
    rows: Object.entries(values).map(([name, value]) => [
      figureTitle(figures, name),
      figureCell(figureInfo(figures, name), value),
      rangeCell(figureInfo(figures, name), intervals[name]),
    ]),
  };
}

/** One row a result; figures as columns, with intervals. */
export function resultsTable(
  results: readonly {
    name: string;
    values: Values;
    intervals: Readonly<Record<string, Interval>>;
    more?: readonly string[];
  }[],
  figures: Figures,
  shown: readonly string[],
  more: readonly string[] = [],
): Table {
  const right = (name: string) => ({ name, align: "right" as const });
  return {
    columns: [
      { name: "" },
      ...shown.map((name) => right(figureTitle(figures, name))),
      ...more.map((name) => right(name)),
    ],
    rows: results.map(({ name, values, intervals, more: cells = [] }) => [
      name,
      ...shown.map((figure) => intervalCell(figureInfo(figures, figure), values[figure], intervals[figure])),
      ...cells,
    ]),
  };
}

/** One row a split, the part of a name before its figure; at its end how many answers it is of, in words. */
export function splitsTable(
  figures: Figures,
  { figures: values, intervals }: { figures: Values; intervals: Readonly<Record<string, Interval>> },
  more: Readonly<Record<string, (split: string) => string>>,
): Table {
  const splits = [...new Set(Object.keys(values).map((name) => name.slice(0, name.lastIndexOf(" "))))];
  const shown = Object.keys(figures);
  const of = <Value>(all: Readonly<Record<string, Value>>, split: string) =>
    Object.fromEntries(shown.map((figure) => [figure, all[`${split} ${figure}`] as Value]));
  return resultsTable(
    splits.map((split) => ({
      name: split,
      values: of(values, split),
      intervals: of(intervals, split),
      more: Object.values(more).map((cell) => cell(split)),
    })),
    figures,
    shown,
    Object.keys(more),
  );
}

/** One row a figure: before, after, the difference with its interval. */
export function comparisonTable({ a, b, differences, intervals, figures }: Comparison): Table {
  return {
    columns: [
      { name: "metric" },
      { name: "A", align: "right" },
      { name: "B", align: "right" },
      { name: "B − A [95 %]", align: "right" },
    ],
    rows: Object.keys(differences).map((name) => {
      const info = figureInfo(figures, name);
      return [
        name,
        figureCell(info, a[name]),
        figureCell(info, b[name]),
        intervalCell(info, differences[name], intervals[name]),
      ];
    }),
  };
}
