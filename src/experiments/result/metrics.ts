import { DataError } from "../../base/data_error";
import { benchmarks, type Metric } from "../../benchmarks";
import type { Benchmark } from "../../benchmarks/benchmark";
import type { ExperimentDescription } from "../store/description";

/** The metrics that an experiment was run with, from their descriptions. */
export function metricsOf({ benchmark, metrics }: ExperimentDescription): Metric[] {
  return metrics.map(({ metric: _, ...options }) => benchmarkNamed(benchmark)(options));
}

/** @throws DataError where this version has no such benchmark */
export function benchmarkNamed(name: string): Benchmark {
  const all: Readonly<Record<string, Benchmark>> = benchmarks;
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found) return found;
  throw new DataError(
    `There is no benchmark "${name}"; this version has ${Object.keys(all).join(", ")}. Update align-attention.`,
  );
}
