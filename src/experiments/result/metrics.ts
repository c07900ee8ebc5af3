import { type ChairOptions, chair, type Metric, type PopeRule, pope } from "../../benchmarks";
import type { SweepDescription } from "../store/folder";

/** The metrics that a sweep was run with, from their descriptions. */
export function metricsOf({ kind, metrics }: SweepDescription): Metric[] {
  return metrics.map(({ metric: _, ...options }) =>
    kind === "chair"
      ? chair(options as Pick<ChairOptions, "scorer" | "dropUnfinishedSentence">)
      : pope(options as { rule?: PopeRule }),
  );
}
