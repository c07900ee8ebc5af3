import { DataError } from "../base/data_error";
import { differences } from "../base/identity";
import type { BootstrapOptions } from "../statistics";
import type { Benchmark, ScoredParts } from "./benchmark";
import { type Comparison, compareAnswers } from "./compare";
import { type BenchmarkName, benchmarks } from "./registry";

/**
 * Compares two results of one benchmark's `score`, which must be of the same images or questions.
 * @throws DataError where they are not, or were scored differently
 */
export function compare<Result extends { benchmark: BenchmarkName }>(
  a: Result,
  b: Result,
  options: BootstrapOptions = {},
): Comparison {
  const [first, second] = [a, b].map((result): ScoredParts => scoredParts(result));
  const different = differences(first!.metric.description, second!.metric.description);
  if (different.length > 0)
    throw new DataError(`The two runs were scored differently: ${different.join(", ")}. Score both alike.`);
  return compareAnswers(first!.metric, first!.parts, second!.parts, options);
}

function scoredParts(result: { benchmark: BenchmarkName }): ScoredParts {
  const { scored }: Benchmark = benchmarks[result.benchmark];
  if (scored === undefined)
    throw new DataError(`Results of ${result.benchmark} are compared as experiments: see \`aai compare\`.`);
  return scored(result);
}
