/** The layers of src/: each folder, and the folders it may import from. index.ts, the public API, may see all. */
const layers = {
  base: [],
  arrays: [],
  statistics: ["base"],
  data: ["base"],
  methods: [],
  protocol: ["methods"],
  environment: ["base", "methods", "protocol"],
  bridge: ["arrays", "base", "methods", "protocol"],
  client: ["arrays", "base", "bridge", "environment", "methods", "protocol"],
  report: ["arrays", "base"],
  benchmarks: ["base", "data", "report", "statistics"],
  observe: ["arrays", "benchmarks", "client", "methods", "report"],
  experiments: [
    "base",
    "benchmarks",
    "bridge",
    "client",
    "data",
    "methods",
    "protocol",
    "report",
    "statistics",
  ],
};

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(layers).map(([folder, below]) => ({
      name: `${folder}-looks-down-only`,
      severity: "error",
      from: { path: `^src/${folder}/` },
      to: { path: "^src/", pathNot: `^src/(${[folder, ...below].join("|")})/` },
    })),
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-undeclared",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: "specify",
    doNotFollow: { path: "node_modules" },
  },
};
