import type { Benchmark } from "./benchmark";
import { chair } from "./chair";
import { opope } from "./opope";
import { pope } from "./pope";
import { repope } from "./repope";

/** Every benchmark by its name. */
export const benchmarks = { chair, pope, repope, opope } satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof benchmarks;
