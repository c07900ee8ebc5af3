import type { Table } from "../../report/tables";
import { summaryTable } from "../tables";
import { chairFigures } from "./figures";
import type { ChairResult } from "./score";

/** One run's CHAIR, a figure a row. */
export function chairTable({
  overall_metrics,
  intervals,
}: Pick<ChairResult, "overall_metrics" | "intervals">): Table {
  return summaryTable(chairFigures, { figures: overall_metrics, intervals });
}
