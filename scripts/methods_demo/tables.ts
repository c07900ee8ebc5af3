import { intervalCell, metricCell } from "../../src/report/metric_cells";
import type { Table } from "../../src/report/tables";
import { holm } from "../../src/statistics";
import type { DemoResults, Difference, Measured, MeasuredRow } from "./results";

/** CHAIR of every setting, compared with greedy search; then contrasts under sampling, compared with their constraint. */
export function captionTables({ captions }: DemoResults): [Table, Table] {
  const metrics = { CHAIRs: "CHAIRs %", CHAIRi: "CHAIRi %", Recall: "Recall %", Len: "Len" };
  return [demoTable(captions, metrics, "CHAIRi"), controlTable(captions, "CHAIRi", metrics.CHAIRi)];
}

/** The same of POPE, over its three splits. */
export function answerTables({ answers }: DemoResults): [Table, Table] {
  const metrics = { "mean accuracy": "accuracy %", "mean F1": "F1 %", "mean yesRatio": "yes %" };
  return [
    demoTable(answers, metrics, "mean accuracy"),
    controlTable(answers, "mean accuracy", metrics["mean accuracy"]),
  ];
}

/** Metrics as columns, and the change of the tested one, with its paired test, against the first row. */
function demoTable({ rows }: Measured, metrics: Record<string, string>, tested: string): Table {
  const p = adjusted(rows, "baseline");
  return {
    columns: [
      { name: "setting" },
      ...Object.values(metrics).map(right),
      right(`${metrics[tested]}: change`),
      right("p"),
      right("p (Holm)"),
      right("other texts"),
    ],
    rows: rows.map((row, index) => [
      `\`${row.name}\``,
      ...Object.keys(metrics).map((name) => intervalCell(name, row.values[name], row.intervals[name])),
      ...differenceCells(tested, row.against.baseline, p[index]),
      index === 0 ? "–" : String(row.changed),
    ]),
  };
}

/** Contrasts under sampling against sampling with their plausibility constraint alone. */
function controlTable({ rows }: Measured, metric: string, title: string): Table {
  const compared = rows.filter(({ against }) => against.control);
  const p = adjusted(compared, "control");
  return {
    columns: [{ name: "setting" }, right(`${title}: change`), right("p"), right("p (Holm)")],
    rows: compared.map((row, index) => [
      `\`${row.name}\``,
      ...differenceCells(metric, row.against.control, p[index]),
    ]),
  };
}

const right = (name: string) => ({ name, align: "right" as const });

function differenceCells(
  metric: string,
  against: Difference | undefined,
  adjusted: number | null | undefined,
) {
  if (against === undefined) return ["–", "–", "–"];
  const { difference, interval, p } = against;
  if (p === null) return [metricCell(metric, difference), "–", "–"];
  return [intervalCell(metric, difference, interval), showP(p), showP(adjusted!)];
}

function showP(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** Holm's p values, by row. */
function adjusted(rows: readonly MeasuredRow[], than: keyof MeasuredRow["against"]): (number | null)[] {
  return holm(rows.map(({ against }) => against[than]?.p ?? null));
}
