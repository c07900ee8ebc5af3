import { amber } from "./amber";
import { amberQuestions } from "./amber_questions";
import type { Benchmark } from "./benchmark";
import { chair } from "./chair";
import { pope } from "./pope";

/** Every benchmark by its name. */
export const benchmarks = {
  chair,
  pope,
  amber,
  "amber-questions": amberQuestions,
} satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof benchmarks;
