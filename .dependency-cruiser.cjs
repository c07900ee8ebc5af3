/** The layers of src/: each folder, and the folders it may import from. index.ts, the public API, may see all. */
const layers = {
  arrays: [],
  data: ["metrics"],
  protocol: ["methods"],
  methods: [],
  metrics: ["data"],
  environment: ["data", "methods", "protocol"],
  bridge: ["arrays", "data", "methods", "protocol"],
  client: ["arrays", "bridge", "data", "environment", "methods", "protocol"],
  runs: ["bridge", "client", "data", "methods", "metrics", "protocol"],
  report: ["arrays", "data", "metrics"],
  observe: ["arrays", "client", "methods", "report"],
  sweep: ["arrays", "bridge", "client", "data", "methods", "metrics", "protocol", "report", "runs"],
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
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
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
