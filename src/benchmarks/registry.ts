import { amber } from "./amber";
import type { Benchmark } from "./benchmark";
import { chair } from "./chair";
import { pope } from "./pope";

/** Every benchmark by its name. */
export const benchmarks = {
  chair,
  pope,
  amber,
} satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof benchmarks;
