import type { Flag } from "./strict";

/** Options of commands that write a run folder. */
export const runOptions = {
  out: {
    type: "string",
    describe: "Run folder, continued where it holds this run already [runs/… named after the settings]",
    group: "Run:",
  },
  "batch-size": {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Rows alive at once, beams and candidates counted; changes no answer [what fits into memory]",
    group: "Run:",
  },
  "retry-failed": { type: "boolean", default: false, describe: "Do failed images again", group: "Run:" },
  template: {
    type: "string",
    default: "chat",
    describe: "Prompt template: chat, vicuna_v1, vicuna_pai, plain, raw",
    group: "Run:",
  },
} as const satisfies Record<string, Flag>;
