import { chair, pope } from "../../src/benchmarks";
import { type FigureInfo, type Figures, figureInfo } from "../../src/benchmarks/figure";
import { figureCell, intervalCell } from "../../src/benchmarks/tables";
import type { Table } from "../../src/report/tables";
import { holm } from "../../src/statistics";
import type { DemoResults, Difference, Measured, MeasuredRow } from "./results";

/** CHAIR of every setting, compared with greedy search; then contrasts under sampling, compared with their constraint. */
export function captionTables({ captions }: DemoResults): [Table, Table] {
  const metrics = { CHAIRs: "CHAIRs %", CHAIRi: "CHAIRi %", Recall: "Recall %", Len: "Len" };
  const infos = chair().figures;
  return [
    demoTable(captions, infos, metrics, "CHAIRi"),
    controlTable(captions, infos, "CHAIRi", metrics.CHAIRi),
  ];
}

/** The same of POPE, over its three splits. */
export function answerTables({ answers }: DemoResults): [Table, Table] {
  const metrics = { "mean accuracy": "accuracy %", "mean F1": "F1 %", "mean yesRatio": "yes %" };
  const infos = pope().figures;
  return [
    demoTable(answers, infos, metrics, "mean accuracy"),
    controlTable(answers, infos, "mean accuracy", metrics["mean accuracy"]),
  ];
}

/** Metrics as columns, and the change of the tested one, with its paired test, against the first row. */
function demoTable(
  { rows }: Measured,
  infos: Figures,
  metrics: Record<string, string>,
  tested: string,
): Table {
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
      ...Object.keys(metrics).map((name) =>
        intervalCell(figureInfo(infos, name), row.values[name], row.intervals[name]),
      ),
      ...differenceCells(figureInfo(infos, tested), row.against.baseline, p[index]),
      index === 0 ? "–" : String(row.changed),
    ]),
  };
}

/** Contrasts under sampling against sampling with their plausibility constraint alone. */
function controlTable({ rows }: Measured, infos: Figures, metric: string, title: string): Table {
  const compared = rows.filter(({ against }) => against.control);
  const p = adjusted(compared, "control");
  return {
    columns: [{ name: "setting" }, right(`${title}: change`), right("p"), right("p (Holm)")],
    rows: compared.map((row, index) => [
      `\`${row.name}\``,
      ...differenceCells(figureInfo(infos, metric), row.against.control, p[index]),
    ]),
  };
}

const right = (name: string) => ({ name, align: "right" as const });

function differenceCells(
  info: FigureInfo,
  against: Difference | undefined,
  adjusted: number | null | undefined,
) {
  if (against === undefined) return ["–", "–", "–"];
  const { difference, interval, p } = against;
  if (p === null) return [figureCell(info, difference), "–", "–"];
  return [intervalCell(info, difference, interval), showP(p), showP(adjusted!)];
}

function showP(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** Holm's p values, by row. */
function adjusted(rows: readonly MeasuredRow[], than: keyof MeasuredRow["against"]): (number | null)[] {
  return holm(rows.map(({ against }) => against[than]?.p ?? null));
}
