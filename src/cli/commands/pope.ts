import type { CommandModule, InferredOptionTypes } from "yargs";
import { type PopeRule, pope, readPopeAnswers, readPopeFiles } from "../../benchmarks";
import { popeTable } from "../../benchmarks/pope/table";
import { renderTable, type TableFormat, tableFormats } from "../../report/tables";
import { UsageError } from "../exit";
import { refuseIdle } from "../options/idle";
import { strict } from "../options/strict";

const rules = Object.keys(pope.POPE_RULES) as PopeRule[];

const options = {
  questions: { type: "string", array: true, demandOption: true, describe: "Question files, one a split" },
  answers: { type: "string", array: true, demandOption: true, describe: "Answer files, in the same order" },
  "answer-key": {
    type: "string",
    describe: "Key of the reply in the answer files, where several could be it",
  },
  rule: { choices: rules, default: "opera" as PopeRule, describe: "How a reply becomes yes or no" },
  format: {
    choices: Object.keys(tableFormats) as TableFormat[],
    describe: "Format of the table [terminal]",
  },
  json: { type: "boolean", default: false, describe: "The whole result, for machines" },
} as const;

export const popeCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: "pope",
  describe: "Score anyone's answers to POPE's questions, with intervals",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example("$0 pope --questions coco_pope_random.json --answers answers.jsonl", "one split") as never,
  handler: async (args) => {
    const { questions, answers, "answer-key": answerKey, rule, format = "terminal", json } = args;
    if (json) refuseIdle(args, ["format"], "beside --json");
    if (questions.length !== answers.length) {
      throw new UsageError(
        `${questions.length} question files need as many answer files; got ${answers.length}.`,
      );
    }
    const joined = readPopeFiles(questions).perFile.flatMap((asked, i) =>
      readPopeAnswers(answers[i]!, asked, answerKey),
    );
    const result = pope.score(joined, rule);
    if (json) return console.log(JSON.stringify(result, null, 2));
    console.log(renderTable(popeTable(result), format));
    if (format === "terminal")
      console.log(`\n${joined.length} answers; 95 % intervals over images. Rule ${rule} (${result.source}).`);
  },
};
