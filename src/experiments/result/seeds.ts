import { groups } from "../../base/groups";
import { identityOf } from "../../base/identity";
import { type FigureInfo, figureInfo } from "../../benchmarks/figure";
import { figureCell, figureTitle } from "../../benchmarks/tables";
import type { Table } from "../../report/tables";
import type { CellResult, MetricResult } from "./cell_result";

/**
 * Cells that differ in the seed of sampling only, one row a decoding: mean and standard deviation (n − 1) of each figure over the
 * seeds. That spread is of the draws; the intervals of the other table are of the images. Seeds with fewer answers than
 * other cells are left out, or the spread would be of the images, too. undefined where no decoding has two seeds.
 */
export function seedTable({ metric, primary, cells }: MetricResult): Table | undefined {
  const sampled = cells.filter(({ cell, items }) => items > 0 && cell.settings.search.method === "sample");
  const decodings = groups(sampled, ({ cell }) =>
    identityOf({ ...cell.settings, search: { ...cell.settings.search, seed: 0 } }),
  ).filter((one) => one.length > 1);
  if (decodings.length === 0) return undefined;
  const split = primary.slice(0, Math.max(0, primary.length - metric.primary.length));
  const figures = metric.columns.map((column) => split + column);
  const right = (name: string) => ({ name, align: "right" as const });
  return {
    columns: [
      { name: "over seeds" },
      right("seeds"),
      ...figures.map((figure) => right(figureTitle(metric.figures, figure))),
    ],
    rows: decodings.map((cells) => {
      const whole = cells.filter((cell) => cell.whole);
      return [
        cells[0]!.cell.name.replace(/(, )?\b(search\.)?seed \d+/, ""),
        whole.length < cells.length ? `${whole.length} of ${cells.length}` : String(cells.length),
        ...figures.map((figure) => spreadCell(whole, figure, figureInfo(metric.figures, figure))),
      ];
    }),
  };
}

function spreadCell(cells: readonly CellResult[], figure: string, info: FigureInfo): string {
  const values = cells.flatMap(({ figures }) => figures[figure] ?? []);
  if (values.length < 2) return "–";
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${figureCell(info, mean)} ± ${figureCell(info, Math.sqrt(squares / (values.length - 1)))}`;
}
