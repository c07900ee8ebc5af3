import { join } from "node:path";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { pope, popeQuestions } from "../../benchmarks";
import { POPE_SPLITS } from "../../benchmarks/pope/question_files";
import { POPE_RULES } from "../../benchmarks/pope/rules";
import { type Attention, none } from "../../methods";
import { type Evaluation, runEvaluation } from "../evaluation";
import { evaluationOptions } from "../options/evaluation";
import { refuseIdle } from "../options/idle";
import { type Flag, strict } from "../options/strict";

/** What published code puts behind the question (see docs/metrics.md). */
const suffixes = {
  none: "",
  vcd: " Please answer this question with one word.",
  clearsight: " Please just answer yes or no.",
  llava: "\nAnswer the question using a single word or phrase.",
} as const;

const rules = Object.keys(POPE_RULES) as (keyof typeof POPE_RULES)[];

const options = {
  "data-path": { type: "string", demandOption: true, describe: "Folder of images" },
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
  ...evaluationOptions,
  "max-new-tokens": {
    ...evaluationOptions["max-new-tokens"],
    describe: `Longest answer in tokens [${pope.answerTokens}]`,
  },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof options>;

export const popeEvalCommand: CommandModule<object, Arguments> = {
  command: "pope-eval",
  describe: "Ask POPE's yes/no questions into a folder that resumes, and score the answers",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example(
        "$0 pope-eval --data-path coco/val2014 --pope-folder pope --out runs/pope",
        "all three splits",
      ) as never,
  handler: async (args) => {
    const { "data-path": images, likelihood, rule } = args;
    const questions = questionFiles(args);
    const describe = (): Evaluation => ({
      data: popeQuestions({ images, questions, likelihood }),
      ...{ metrics: [pope({ rule })], prompt: `{question}${suffixes[args.suffix]}` },
      ...{ answers: "answers", asked: "questions" },
      note: (_, counted, attention) =>
        [
          `${counted}; 95 % intervals over images. Answer rule ${rule} (${POPE_RULES[rule].source}).`,
          ...warmupNote(attention),
        ].join("\n"),
    });
    await runEvaluation(args, describe, { maxNewTokens: pope.answerTokens });
  },
};

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
function warmupNote(attention: Attention): string[] {
  if (attention === none || !("parameters" in attention) || !("warmup" in attention.parameters)) return [];
  const { warmup } = attention.parameters;
  if (warmup < 0) return [];
  return [
    `Note: with --warmup ${warmup} the edit acts from token ${warmup + 2} on, so a yes or no in the first ${warmup + 1} cannot change. --warmup -1 edits from the first token.`,
  ];
}
