import type { Metric } from "../../benchmarks";
import { isLowerBetter } from "../../benchmarks/figure";
import type { CellResult } from "./cell_result";

/** Best first, of the cells with most answers; below them the others, each kind by itself. Cells without the figure last. */
export function bestFirst(
  { figures: infos }: Metric,
  figure: string,
): (a: CellResult, b: CellResult) => number {
  const sign = isLowerBetter(infos, figure) ? 1 : -1;
  const value = ({ figures }: CellResult) => {
    const one = figures[figure] ?? null;
    return one === null ? Number.POSITIVE_INFINITY : sign * one;
  };
  return (a, b) => {
    const ofAnswers = standing(a) - standing(b);
    if (ofAnswers !== 0) return ofAnswers;
    return value(a) === value(b) ? 0 : value(a) - value(b);
  };
}

/** Whole cells stand before shorter ones; among dropped cells those that came further stand first. */
function standing({ state, whole }: CellResult): number {
  if (whole) return 0;
  return state.state === "dropped" ? 2 + 1 / state.drop.round : 1;
}
