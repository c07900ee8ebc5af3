import { type FigureInfo, figureInfo, figureNamed } from "../../benchmarks/figure";
import { figureTitle, intervalCell } from "../../benchmarks/tables";
import type { Table } from "../../report/tables";
import { isBaseline } from "../plan";
import type { CellResult, MetricResult } from "./cell_result";

/**
 * One row a cell: figures with 95 % intervals, and how it differs from its baseline in the figure it is ranked by; which
 * that is where cells have different ones. Cells with fewer answers stand below the others.
 */
export function resultTable({ metric, primary, cells }: MetricResult): Table {
  const sample = cells.find(({ items }) => items > 0)?.figures ?? {};
  const figures = metric.columns.map((column) => figureNamed(sample, column));
  const several = baselinesOf(cells).size > 1;
  const right = (name: string) => ({ name, align: "right" as const });
  return {
    columns: [
      { name: "cell" },
      right(metric.counted),
      ...figures.map((figure) => right(figureTitle(metric.figures, figure))),
      right(`Δ ${primary}`),
      right("p"),
      right("p (Holm)"),
      ...(several ? [{ name: "against" }] : []),
    ],
    rows: cells.map((result) => [
      nameCell(result),
      answersCell(result),
      ...figures.map((figure) =>
        intervalCell(figureInfo(metric.figures, figure), result.figures[figure], result.intervals[figure]),
      ),
      ...comparisonCells(result, primary, figureInfo(metric.figures, primary)),
      ...(several ? [result.comparison?.baseline ?? ""] : []),
    ]),
  };
}

/** What the table's tests are, in sentences. */
export function tableNote({ primary, cells }: MetricResult): string {
  const tests = cells.filter(({ comparison }) => comparison?.pValues.wilcoxon != null).length;
  const compared = cells.find(({ comparison }) => comparison)?.comparison;
  const few = cells.some(({ items, whole }) => items > 0 && !whole);
  return [
    "95 % intervals over images.",
    ...(compared
      ? [
          `Δ ${primary}: cell − baseline${baselinesOf(cells).size > 1 ? " (the cell it is `against`)" : ""} on the images both have answered, paired bootstrap;`,
          `p: Wilcoxon signed-rank on ${compared.tested.wilcoxon}, Holm-adjusted for ${tests} comparisons.`,
        ]
      : ["No cell is compared with its plain one; --baseline CELL compares all with one."]),
    ...(few
      ? [
          "Cells with fewer answers than others have figures of those alone: they stand below, and are not ranked with them.",
        ]
      : []),
    "The best of many cells looks better than it is: judge it on other images.",
  ].join(" ");
}

function baselinesOf(cells: readonly CellResult[]): Set<string> {
  return new Set(cells.flatMap(({ comparison }) => comparison?.baseline ?? []));
}

function nameCell({ cell, state, failed }: CellResult): string {
  const notes = [
    ...(isBaseline(cell) ? ["baseline"] : []),
    ...(state.state === "dropped" ? [`dropped in round ${state.drop.round}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return notes.length > 0 ? `${cell.name} (${notes.join(", ")})` : cell.name;
}

function answersCell({ items, of }: CellResult): string {
  return items < of ? `${items} of ${of}` : String(items);
}

function comparisonCells({ comparison }: CellResult, primary: string, info: FigureInfo): string[] {
  if (comparison === undefined) return ["", "", ""];
  const { differences, intervals, pValues, adjusted } = comparison;
  const difference = intervalCell(info, differences[primary], intervals[primary]);
  return [difference, probability(pValues.wilcoxon), probability(adjusted)];
}

/** – where no image differs. */
function probability(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3);
}
