import type { CommandModule } from "yargs";
import { benchmarks } from "../../benchmarks";
import { applicable, type Benchmark } from "../../benchmarks/benchmark";
import { runEvaluation } from "../evaluation";
import { evaluationOptions } from "../options/evaluation";
import { schemaFlags, schemaValues } from "../options/schema_flags";
import { strict } from "../options/strict";

export const evalCommand: CommandModule = {
  command: "eval",
  describe: "Answer a benchmark under one setting into a folder that resumes, and score the answers",
  builder: (argv) =>
    Object.entries(benchmarks)
      .reduce((all, [name, benchmark]) => all.command(commandOf(name, benchmark)), argv)
      .demandCommand(1, `Name a benchmark: ${Object.keys(benchmarks).join(", ")}.`)
      .example(
        "$0 eval pope --images coco/val2014 --questions coco_pope_random.json --alpha 0.1",
        "with AAI",
      ),
  handler: () => {},
};

function commandOf(name: string, benchmark: Benchmark): CommandModule<object, never> {
  const { title, data, options } = benchmark;
  const prompt = { type: "string", describe: "The question [the benchmark's own]", group: "Data:" } as const;
  const flags = {
    ...schemaFlags(data.options, "Data:"),
    ...schemaFlags(options, "Scoring:"),
    ...evaluationOptions,
    prompt,
  };
  return {
    command: name,
    describe: title,
    builder: (argv) => argv.options(strict(flags)) as never,
    handler: async (args: Parameters<typeof runEvaluation>[0] & { prompt?: string }) => {
      const [dataOptions, metricOptions] = [data.options, options].map((one) => schemaValues(one, args));
      const evaluation = () => {
        const asked = data.items(dataOptions);
        const metric = benchmark(metricOptions);
        return {
          ...{ data: asked, metrics: applicable(metric, asked), prompt: args.prompt ?? asked.prompt },
          ...{ answers: "answers", asked: metric.counted },
          note: ({ folder }: { folder: string }, counted: string) =>
            `${counted} in ${folder}; 95 % intervals over images. ${describeMetric(metric.description)}`,
        };
      };
      await runEvaluation(args, evaluation, { maxNewTokens: benchmark.answerTokens });
    },
  };
}

/** "Scored by pope, rule opera." */
export function describeMetric({ metric, ...options }: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(options).map(([name, value]) => `, ${name} ${value}`);
  return `Scored by ${metric}${parts.join("")}.`;
}
