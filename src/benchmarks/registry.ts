import type { Benchmark } from "./benchmark";
import { chair } from "./chair";
import { hallusionbench } from "./hallusionbench";
import { mme } from "./mme";
import { pope } from "./pope";

/** Every benchmark by its name. */
export const benchmarks = { chair, pope, mme, hallusionbench } satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof benchmarks;
