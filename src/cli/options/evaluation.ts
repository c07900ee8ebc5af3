import { attentionOptions } from "./attention";
import { contrastOptions } from "./contrast";
import { pluginOptions } from "./methods";
import { modelOptions } from "./model";
import { searchOptions } from "./search";
import type { Flag } from "./strict";
import { workerOptions } from "./workers";

/** Options of commands that answer a benchmark under one setting. */
export const evaluationOptions = {
  out: {
    type: "string",
    describe:
      "The folder, continued where it holds this evaluation already [runs/… named after the settings]",
    group: "Run:",
  },
  "batch-size": {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Rows alive at once, beams and candidates counted; changes no answer [what fits into memory]",
    group: "Run:",
  },
  "retry-failed": { type: "boolean", default: false, describe: "Do failed images again", group: "Run:" },
  "dry-run": {
    type: "boolean",
    default: false,
    describe: "Print what it would take, from a probe of two images",
    group: "Run:",
  },
  template: {
    type: "string",
    default: "chat",
    describe: "Prompt template: chat, vicuna_v1, vicuna_pai, plain, raw",
    group: "Run:",
  },
  ...modelOptions,
  ...workerOptions,
  ...attentionOptions,
  ...contrastOptions,
  ...pluginOptions,
  ...searchOptions,
} as const satisfies Record<string, Flag>;
