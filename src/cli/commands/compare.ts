import type { CommandModule, InferredOptionTypes } from "yargs";
import { someOf } from "../../base/some_of";
import { verdict } from "../../benchmarks";
import { figureNamed } from "../../benchmarks/figure";
import { comparisonTable } from "../../benchmarks/tables";
import { renderTable, type TableFormat, tableFormats } from "../../report/tables";
import { answerSource } from "../compare/answer_source";
import { type Compared, compareSources } from "../compare/compare_sources";
import { groundTruthOf, groundTruthOptions } from "../options/ground_truth";
import { strict, strictPositional } from "../options/strict";

const options = {
  rule: {
    type: "string",
    describe: "How a reply becomes yes or no, by a rule of the benchmark [as the folders were scored]",
  },
  format: {
    choices: Object.keys(tableFormats) as TableFormat[],
    default: "terminal" as TableFormat,
    describe: "Format of the table",
  },
  json: { type: "boolean", default: false, describe: "Print JSON, for machines" },
  ...groundTruthOptions,
} as const;

const runFolder = {
  type: "string",
  demandOption: true,
  describe: "Folder of an evaluation, or SWEEP#CELL",
} as const;

type Arguments = InferredOptionTypes<typeof options> & { a: string; b: string };

/** Items that are named of those fixed and broken. */
const mostNamed = 12;

export const compareCommand: CommandModule<object, Arguments> = {
  command: "compare <a> <b>",
  describe:
    "Compare two evaluations, or cells of sweeps, on the same images: differences with intervals, paired tests, what changed",
  builder: (argv) =>
    argv
      .positional("a", strictPositional("a", runFolder))
      .positional("b", strictPositional("b", runFolder))
      .options(strict(options))
      .example("$0 compare runs/plain runs/aai", "two runs")
      .example('$0 compare runs/sweep#plain "runs/sweep#alpha 0.1"', "two cells of a sweep") as never,
  handler: async (args) => {
    const compared = compareSources(answerSource(args.a), answerSource(args.b), {
      rule: args.rule,
      groundTruth: groundTruthOf(args)?.objects,
    });
    const { comparison } = compared;
    if (args.json) return console.log(JSON.stringify(comparison, null, 2));
    console.log(renderTable(comparisonTable(comparison), args.format));
    if (args.format === "terminal") console.log(`\n${inWords(compared)}`);
  },
};

/** Verdicts on the figures that the metric is about, the tests and what they are of, and what changed. */
function inWords({ comparison, metric, sources, answers }: Compared): string {
  const { tested, pValues } = comparison;
  const { mcnemar, wilcoxon } = pValues;
  const partly = sources.some((source) => source.answers.length > answers);
  const has = sources.map(
    ({ name, answers }, i) => `${"AB"[i]}: ${name}${partly ? `, ${answers.length} answers` : ""}`,
  );
  const list = (items: readonly string[]) =>
    items.length > 0 ? `${items.length} (${someOf(items, mostNamed)})` : "0";
  return [
    ...has,
    ...(partly ? [`Compared on the ${answers} answers that both have.`] : []),
    `McNemar p = ${mcnemar.toPrecision(2)} on ${tested.mcnemar}`,
    `Wilcoxon p = ${wilcoxon?.toPrecision(2) ?? "– (no image differs)"} on ${tested.wilcoxon}`,
    ...metric.telling.map((name) => verdict(comparison, figureNamed(comparison.differences, name), "B")),
    `fixed: ${list(comparison.fixed)}`,
    `broken: ${list(comparison.broken)}`,
  ].join("\n");
}
