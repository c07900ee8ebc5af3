import type { Metric } from "../../benchmarks";
import { figureInfo } from "../../benchmarks/figure";
import { figureTitle } from "../../benchmarks/tables";
import { paretoChart } from "../../report/charts/pareto_chart";
import { isBaseline } from "../plan";
import type { CellResult } from "./cell_result";
import type { Drawing } from "./drawing";
import { scaled, scaledInterval } from "./scaled";

/** What one figure's gain costs in another, cell by cell. @param where what to add to the title */
export function paretoFigure(
  { figures: infos, tradeOff }: Metric & { tradeOff: NonNullable<Metric["tradeOff"]> },
  results: readonly CellResult[],
  where: string,
): Drawing {
  const { x, y, colour } = tradeOff;
  const axis = (name: string) =>
    `${figureTitle(infos, name)} (${figureInfo(infos, name).better === "lower" ? "less" : "more"} is better)`;
  const svg = paretoChart({
    title: `${tradeOff.title}${where}`,
    xLabel: axis(x),
    yLabel: axis(y),
    sizeLabel: tradeOff.colourLabel,
    points: results
      .filter(({ figures }) => typeof figures[x] === "number" && typeof figures[y] === "number")
      .map((result) => ({
        name: result.cell.name,
        x: scaled(result, infos, x),
        y: scaled(result, infos, y),
        xInterval: scaledInterval(result, infos, x),
        yInterval: scaledInterval(result, infos, y),
        size: scaled(result, infos, colour),
        baseline: isBaseline(result.cell),
        ...(!result.whole && { fewer: `${result.items} of ${result.of} answers` }),
      })),
    notes: [
      `Line: cells that no other beats in both figures. Bars: 95 % intervals over images. Colour: ${tradeOff.colourMeaning}.`,
      ...(results.some(({ whole }) => !whole)
        ? ["Hollow: fewer answers than others have, so out of the running for the line."]
        : []),
    ],
  });
  return { name: "pareto", svg };
}
