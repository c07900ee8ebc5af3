import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/build.ts",
    env: { OMP_NUM_THREADS: "1" }, // workers of parallel test files must not fight over cores
    pool: "forks", // a worker thread that ends with an open ZeroMQ socket aborts the whole process
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
