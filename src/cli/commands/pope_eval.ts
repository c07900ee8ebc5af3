import { join } from "node:path";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { POPE_RULES } from "../../benchmarks/pope";
import { POPE_SPLITS } from "../../benchmarks/pope/question_files";
import { startWorker } from "../../client";
import { type Attention, none } from "../../methods";
import { popeTable } from "../../report/metric_cells";
import { startProgress } from "../../report/progress";
import { renderTable } from "../../report/tables";
import { popeRun } from "../../runs";
import { contrastOptions } from "../contrast_options";
import { noteEdits } from "../edit_notes";
import { CommandError } from "../exit";
import { refuseIdle } from "../idle";
import {
  attentionOptions,
  deviceOf,
  loadOptionsOf,
  modelOptions,
  modelSource,
  searchOf,
  searchOptions,
} from "../options";
import { methodsOf, pluginOptions } from "../plugin_options";
import { runOptions } from "../run_options";
import { type Flag, strict } from "../strict";

/** What published code puts behind the question (see docs/metrics.md). */
const suffixes = {
  none: "",
  vcd: " Please answer this question with one word.",
  clearsight: " Please just answer yes or no.",
  llava: "\nAnswer the question using a single word or phrase.",
} as const;

const rules = Object.keys(POPE_RULES) as (keyof typeof POPE_RULES)[];

const options = {
  "data-path": { alias: "data_path", type: "string", demandOption: true, describe: "Folder of images" },
  questions: {
    alias: "pope-path",
    type: "string",
    array: true,
    describe: "Question files, in place of --pope-folder",
  },
  "pope-folder": {
    type: "string",
    describe: "Folder of coco_pope_{random,popular,adversarial}.json [pope_coco]",
  },
  "pope-type": {
    alias: "pope_type",
    choices: [...POPE_SPLITS, "all"] as const,
    describe: "Split in --pope-folder [all]",
  },
  rule: {
    choices: rules,
    default: "opera" as (typeof rules)[number],
    describe: "How a reply becomes yes or no",
  },
  likelihood: {
    type: "boolean",
    default: false,
    describe: "Answer by which of yes and no is likelier at the first token; the reply is still recorded",
  },
  suffix: {
    choices: Object.keys(suffixes) as (keyof typeof suffixes)[],
    default: "none" as keyof typeof suffixes,
    describe: "Put behind every question",
  },
  ...runOptions,
  ...modelOptions,
  ...attentionOptions,
  ...contrastOptions,
  ...pluginOptions,
  ...searchOptions,
  "max-new-tokens": { ...searchOptions["max-new-tokens"], describe: "Longest answer in tokens [10]" },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof options>;

export const popeEvalCommand: CommandModule<object, Arguments> = {
  command: "pope-eval",
  describe: "Ask POPE's yes/no questions into a run folder, and score the answers",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example(
        "$0 pope-eval --data-path coco/val2014 --pope-folder pope --out runs/pope",
        "all three splits",
      ) as never,
  handler: async (args) => {
    const chooseMethods = methodsOf(args);
    const search = searchOf({ ...args, "max-new-tokens": args["max-new-tokens"] ?? 10 });
    const questions = questionFiles(args);
    const source = modelSource(args);
    await using worker = await startWorker({ device: deviceOf(args) });
    const { attention, contrast } = await chooseMethods(worker);
    const model = await worker.load(source, loadOptionsOf(args));
    let progress: ReturnType<typeof startProgress> | undefined;
    const { result, failed, attestation } = await popeRun(worker, model, {
      images: args["data-path"],
      questions,
      suffix: suffixes[args.suffix],
      likelihood: args.likelihood,
      template: args.template,
      attention,
      contrast,
      search,
      batchSize: args["batch-size"] ?? "auto",
      retryFailed: args["retry-failed"],
      out: args.out,
      rule: args.rule,
      onProgress: (done, total) => {
        progress ??= startProgress("answers", total, done);
        progress.update(done);
      },
    });
    progress?.end();
    if (result)
      console.log(
        `${renderTable(popeTable(result))}\n\n${answered(result.answers.length, failed.length)}; 95 % intervals over images. Answer rule ${result.rule} (${result.source}).`,
      );
    const note = warmupNote(attention);
    if (note) console.log(note);
    noteEdits([{ attestation }]);
    if (failed.length > 0)
      throw new CommandError(`${failed.length} questions failed; --retry-failed asks them again.`);
  },
};

function answered(done: number, failed: number): string {
  return failed > 0 ? `${done} answers to ${done + failed} questions` : `${done} answers`;
}

function questionFiles(args: Arguments): string[] {
  const { questions, "pope-folder": folder = "pope_coco", "pope-type": type = "all" } = args;
  if (questions !== undefined) {
    refuseIdle(args, ["pope-folder", "pope-type"], "beside --questions");
    return questions;
  }
  const splits = type === "all" ? POPE_SPLITS : [type];
  return splits.map((split) => join(folder, `coco_pope_${split}.json`));
}

/** With the released warm-up an edit comes too late for a one-word answer; whoever reads the figures must know. */
function warmupNote(attention: Attention): string | undefined {
  if (attention === none || !("parameters" in attention) || !("warmup" in attention.parameters))
    return undefined;
  const { warmup } = attention.parameters;
  if (warmup < 0) return undefined;
  return `Note: with --warmup ${warmup} the edit acts from token ${warmup + 2} on, so a yes or no in the first ${warmup + 1} cannot change. --warmup -1 edits from the first token.`;
}
