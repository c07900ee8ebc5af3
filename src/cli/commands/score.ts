import type { CommandModule } from "yargs";
import { benchmarks } from "../../benchmarks";
import { joinAnswers } from "../../benchmarks/answers/join_answers";
import { readAnswers } from "../../benchmarks/answers/read_answers";
import { type Benchmark, sumUp } from "../../benchmarks/benchmark";
import { renderTable, type TableFormat, tableFormats } from "../../report/tables";
import { refuseIdle } from "../options/idle";
import { schemaFlags, schemaValues } from "../options/schema_flags";
import { strict } from "../options/strict";
import { describeMetric } from "./eval";

const options = {
  answers: { type: "string", demandOption: true, describe: "Answers: a JSON list or JSON lines, by id" },
  "id-key": { type: "string", describe: "Key of the id, where it is none of the usual" },
  "answer-key": { type: "string", describe: "Key of the answer, where several could be it" },
  format: {
    choices: Object.keys(tableFormats) as TableFormat[],
    describe: "Format of the table [terminal]",
  },
  json: { type: "boolean", default: false, describe: "Figures and intervals, for machines" },
} as const;

interface Arguments {
  answers: string;
  "id-key"?: string;
  "answer-key"?: string;
  format?: TableFormat;
  json: boolean;
}

/** Those whose items can be had without their images. */
const scoreable = Object.entries(benchmarks).filter(([, { data }]) => {
  const { images }: Record<string, { safeParse(value: undefined): { success: boolean } }> =
    data.options.shape;
  return images?.safeParse(undefined).success !== false;
});

export const scoreCommand: CommandModule = {
  command: "score",
  describe: "Score anyone's answers to a benchmark's questions, with intervals",
  builder: (argv) =>
    scoreable
      .reduce((all, [name, benchmark]) => all.command(commandOf(name, benchmark)), argv)
      .demandCommand(
        1,
        `Name a benchmark: ${scoreable.map(([name]) => name).join(", ")}; aai chair scores captions.`,
      )
      .example("$0 score pope --questions coco_pope_random.json --answers answers.jsonl", "one split"),
  handler: () => {},
};

function commandOf(name: string, benchmark: Benchmark): CommandModule<object, Arguments> {
  const { title, data, options: metricOptions } = benchmark;
  const { images: _, ...questions } = schemaFlags(data.options, "Data:");
  return {
    command: name,
    describe: title,
    builder: (argv) =>
      argv.options(strict({ ...options, ...questions, ...schemaFlags(metricOptions, "Scoring:") })) as never,
    handler: (args) => {
      const { answers: file, format = "terminal", json, "id-key": idKey, "answer-key": answerKey } = args;
      if (json) refuseIdle(args, ["format"], "beside --json");
      const { items } = data.items(schemaValues(data.options, args));
      const metric = benchmark(schemaValues(metricOptions, args));
      const { layout, answers } = readAnswers(file, { idKey, answerKey, recordId: data.recordId });
      const parts = joinAnswers(items, answers, file).map(({ item, answer }) =>
        metric.read({ answer }, item),
      );
      const summary = sumUp(metric, parts);
      if (json) return console.log(JSON.stringify({ ...metric.description, layout, ...summary }, null, 2));
      console.log(renderTable(metric.table(parts, summary), format));
      if (format === "terminal")
        console.log(
          `\n${parts.length} answers, read as ${layout}; 95 % intervals over images. ${describeMetric(metric.description)}`,
        );
    },
  };
}
