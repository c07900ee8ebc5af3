import type { ChairResult, Comparison, PopeResult, QuestionCount } from "../benchmarks";
import { countQuestions } from "../benchmarks/pope/questions";
import { MEAN } from "../benchmarks/pope/tally";
import type { Table } from "./tables";

type Values = Record<string, number | null>;
type Intervals = Record<string, readonly [number, number] | null>;

/** Metrics that are counts or means, not shares: printed as they are. */
const plainNumbers = new Set(["Len", "Mentions"]);

/** A metric as it is printed: shares in per cent with one decimal, as the papers do; – where it is not defined. */
export function metricCell(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  // CHAIR's Len is a hundredth of the mean number of words, so that ×100 it prints as the mean.
  return (name === "Mentions" ? value : 100 * value)
    .toFixed(1)
    .replace(/^-0\.0$/, "0.0")
    .replace(/^-/, "−");
}

/** A metric with its 95 % interval: `12.7 [10.9, 14.6]`. */
export function intervalCell(
  name: string,
  value: number | null | undefined,
  interval: readonly [number, number] | null | undefined,
): string {
  if (!interval) return metricCell(name, value);
  return `${metricCell(name, value)} [${metricCell(name, interval[0])}, ${metricCell(name, interval[1])}]`;
}

function rangeCell(name: string, interval: readonly [number, number] | null | undefined): string {
  return interval ? `${metricCell(name, interval[0])} – ${metricCell(name, interval[1])}` : "–";
}

/** One row a result; metrics as columns, with intervals. */
export function metricsTable(
  results: readonly { name: string; values: Values; intervals: Intervals; more?: readonly string[] }[],
  metrics: readonly string[],
  more: readonly string[] = [],
): Table {
  const unit = (metric: string) => (plainNumbers.has(metric) ? metric : `${metric} %`);
  return {
    columns: [
      { name: "" },
      ...metrics.map((metric) => ({ name: unit(metric), align: "right" as const })),
      ...more.map((name) => ({ name, align: "right" as const })),
    ],
    rows: results.map(({ name, values, intervals, more: cells = [] }) => [
      name,
      ...metrics.map((metric) => intervalCell(metric, values[metric], intervals[metric])),
      ...cells,
    ]),
  };
}

/** One run's CHAIR, a metric a row. */
export function chairTable({ overall_metrics, intervals }: ChairResult): Table {
  return {
    columns: [
      { name: "metric" },
      { name: "value", align: "right" },
      { name: "95 % interval", align: "right" },
    ],
    rows: Object.entries(overall_metrics).map(([name, value]) => [
      plainNumbers.has(name) ? name : `${name} %`,
      metricCell(name, value),
      rangeCell(name, intervals[name]),
    ]),
  };
}

const popeMetrics = ["accuracy", "precision", "recall", "F1", "yesRatio", "invalidRate"];

/** One row a split, and the mean of the splits; how many answers each is of, and how many of all are to distinct questions. */
export function popeTable({ metrics, intervals, answers }: PopeResult): Table {
  const splits = [...new Set(Object.keys(metrics).map((name) => name.slice(0, name.lastIndexOf(" "))))];
  const of = <Value>(table: Record<string, Value>, split: string) =>
    Object.fromEntries(popeMetrics.map((metric) => [metric, table[`${split} ${metric}`] as Value]));
  const count = (split: string) =>
    split === MEAN
      ? answersInWords(countQuestions(answers))
      : `${answers.filter((answer) => answer.split === split).length}`;
  return metricsTable(
    splits.map((split) => ({
      name: split,
      values: of(metrics, split),
      intervals: of(intervals, split),
      more: [count(split)],
    })),
    popeMetrics,
    ["answers"],
  );
}

function answersInWords({ asked, distinct }: QuestionCount): string {
  return distinct < asked ? `${asked} (${distinct} distinct)` : `${asked}`;
}

/** One row a metric: before, after, the difference with its interval. */
export function comparisonTable({ a, b, differences, intervals }: Comparison): Table {
  return {
    columns: [
      { name: "metric" },
      { name: "A", align: "right" },
      { name: "B", align: "right" },
      { name: "B − A [95 %]", align: "right" },
    ],
    rows: Object.keys(differences).map((name) => [
      name,
      metricCell(name, a[name]),
      metricCell(name, b[name]),
      intervalCell(name, differences[name], intervals[name]),
    ]),
  };
}
