/** Options of commands that write a run folder. */
export const runOptions = {
  out: {
    type: "string",
    describe: "Run folder, continued where it holds this run already [runs/… named after the settings]",
    group: "Run:",
  },
  "batch-size": {
    type: "number",
    default: 16,
    describe: "Images decoded together, each times its beams and candidates; does not change the answers",
    group: "Run:",
  },
  "retry-failed": { type: "boolean", default: false, describe: "Do failed images again", group: "Run:" },
  template: {
    type: "string",
    default: "chat",
    describe: "Prompt template: chat, vicuna_v1, vicuna_pai, plain, raw",
    group: "Run:",
  },
} as const;
