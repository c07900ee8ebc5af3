import { paretoChart } from "../../report/charts/pareto_chart";
import { isBaseline } from "../plan";
import type { Figure } from "./figures";
import { percent, percentInterval } from "./percent";
import type { CellResult } from "./result";

/** What CHAIRi costs in recall, cell by cell. @param where what to add to the title */
export function paretoFigure(results: readonly CellResult[], where: string): Figure {
  const svg = paretoChart({
    title: `What less hallucination costs in recall${where}`,
    xLabel: "CHAIRi % (less is better)",
    yLabel: "Recall % (more is better)",
    sizeLabel: "words",
    points: results
      .filter(({ figures }) => typeof figures.CHAIRi === "number" && typeof figures.Recall === "number")
      .map((result) => ({
        name: result.cell.name,
        x: percent(result, "CHAIRi"),
        y: percent(result, "Recall"),
        xInterval: percentInterval(result, "CHAIRi"),
        yInterval: percentInterval(result, "Recall"),
        size: percent(result, "Len"),
        baseline: isBaseline(result.cell),
        ...(!result.whole && { fewer: `${result.items} of ${result.of} answers` }),
      })),
    notes: [
      "Line: cells that no other beats in both figures. Bars: 95 % intervals over images. Colour: words a caption.",
      ...(results.some(({ whole }) => !whole)
        ? ["Hollow: fewer answers than others have, so out of the running for the line."]
        : []),
    ],
  });
  return { name: "pareto", svg };
}
