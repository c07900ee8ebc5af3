import { amber } from "./amber";
import { amberQuestions } from "./amber_questions";
import type { Benchmark } from "./benchmark";
import { chair } from "./chair";
import { hallusionbench } from "./hallusionbench";
import { mme } from "./mme";
import { opope } from "./opope";
import { pope } from "./pope";
import { repope } from "./repope";

/** Every benchmark by its name. */
export const benchmarks = {
  chair,
  pope,
  repope,
  opope,
  amber,
  "amber-questions": amberQuestions,
  mme,
  hallusionbench,
} satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof benchmarks;
