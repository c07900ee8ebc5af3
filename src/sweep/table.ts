import { figureNamed } from "../metrics/metric";
import { intervalCell } from "../report/metric_cells";
import type { Table } from "../report/tables";
import type { CellResult, MetricResult } from "./result";

/** One row a cell: figures with 95 % intervals, and how it differs from the baseline in the figure it is ranked by. */
export function resultTable({ metric, primary, cells }: MetricResult): Table {
  const sample = cells.find(({ items }) => items > 0)?.figures ?? {};
  const figures = metric.columns.map((column) => figureNamed(sample, column));
  const right = (name: string) => ({ name, align: "right" as const });
  return {
    columns: [
      { name: "cell" },
      right(metric.kind === "chair" ? "images" : "questions"),
      ...figures.map((figure) => right(figure === "Len" ? "Len" : `${figure} %`)),
      right(`Δ ${primary}`),
      right("p"),
      right("p (Holm)"),
    ],
    rows: cells.map((result) => [
      nameCell(result),
      imagesCell(result),
      ...figures.map((figure) => intervalCell(figure, result.figures[figure], result.intervals[figure])),
      ...comparisonCells(result, primary),
    ]),
  };
}

/** What the table's tests are, in a sentence. */
export function tableNote({ metric, primary, cells }: MetricResult): string {
  const tests = cells.filter(({ comparison }) => comparison?.pValues.wilcoxon != null).length;
  const figure = metric.kind === "chair" ? "CHAIRi" : "accuracy";
  return (
    `95 % intervals over images. Δ ${primary}: cell − baseline on the images both have answered, paired bootstrap; ` +
    `p: Wilcoxon signed-rank on ${figure} of every image, Holm-adjusted for ${tests} comparisons. ` +
    "The best of many cells looks better than it is: judge it on other images."
  );
}

function nameCell({ cell: { name, baseline }, state, failed }: CellResult): string {
  const notes = [
    ...(baseline ? ["baseline"] : []),
    ...(state.state === "dropped" ? [`dropped in round ${state.drop.round}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return notes.length > 0 ? `${name} (${notes.join(", ")})` : name;
}

function imagesCell({ items, state }: CellResult): string {
  return state.state === "partial" ? `${items} of ${state.of}` : String(items);
}

function comparisonCells({ comparison }: CellResult, primary: string): string[] {
  if (comparison === undefined) return ["", "", ""];
  const { differences, intervals, pValues, adjusted } = comparison;
  const difference = intervalCell(primary, differences[primary], intervals[primary]);
  return [difference, probability(pValues.wilcoxon), probability(adjusted)];
}

/** – where no image differs. */
function probability(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3);
}
