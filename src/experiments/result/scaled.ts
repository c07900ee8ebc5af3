import { type Figures, figureInfo } from "../../benchmarks/figure";
import type { CellResult } from "./cell_result";

/** A figure of a cell as charts show it: shares in per cent. NaN where it is not defined. */
export function scaled({ figures }: CellResult, infos: Figures, name: string): number {
  return figureInfo(infos, name).scale * (figures[name] ?? Number.NaN);
}

export function scaledInterval(
  { intervals }: CellResult,
  infos: Figures,
  name: string,
): [number, number] | null {
  const { scale } = figureInfo(infos, name);
  const interval = intervals[name];
  return interval ? [scale * interval[0], scale * interval[1]] : null;
}
