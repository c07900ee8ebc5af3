import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks", // a worker thread that ends with an open ZeroMQ socket aborts the whole process
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
