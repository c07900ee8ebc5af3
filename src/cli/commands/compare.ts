import type { CommandModule, InferredOptionTypes } from "yargs";
import { type Comparison, compare, verdict } from "../../metrics";
import { POPE_RULES } from "../../metrics/pope";
import { comparisonTable } from "../../report/metric_cells";
import { renderTable, type TableFormat, tableFormats } from "../../report/tables";
import { readChairRun, readPopeRun, readRun } from "../../runs";
import { CommandError, UsageError } from "../exit";
import { groundTruthOf, groundTruthOptions } from "../ground_truth";

const rules = Object.keys(POPE_RULES) as (keyof typeof POPE_RULES)[];

const options = {
  rule: {
    choices: rules,
    default: "opera" as (typeof rules)[number],
    describe: "POPE: how a reply becomes yes or no",
  },
  format: {
    choices: Object.keys(tableFormats) as TableFormat[],
    default: "terminal" as TableFormat,
    describe: "Of the table",
  },
  json: { type: "boolean", default: false, describe: "For machines" },
  ...groundTruthOptions,
} as const;

type Arguments = InferredOptionTypes<typeof options> & { a: string; b: string };

export const compareCommand: CommandModule<object, Arguments> = {
  command: "compare <a> <b>",
  describe: "Compare two runs on the same images: differences with intervals, paired tests, what changed",
  builder: (argv) =>
    argv
      .positional("a", { type: "string", demandOption: true, describe: "Run folder" })
      .positional("b", { type: "string", demandOption: true, describe: "Run folder" })
      .options(options)
      .example("$0 compare runs/plain runs/aai --coco-path coco/annotations", "CHAIR runs") as never,
  handler: async (args) => {
    const { comparison, metrics } = comparisonOf(args);
    if (args.json) return console.log(JSON.stringify(comparison, null, 2));
    console.log(renderTable(comparisonTable(comparison), args.format));
    if (args.format !== "terminal") return;
    const { mcnemar, wilcoxon } = comparison.pValues;
    console.log(
      `\nMcNemar p = ${mcnemar.toPrecision(2)}, Wilcoxon p = ${wilcoxon?.toPrecision(2) ?? "– (no image differs)"}`,
    );
    for (const metric of metrics) console.log(verdict(comparison, metric, "B"));
    for (const kind of ["fixed", "broken"] as const) {
      const items = comparison[kind];
      console.log(
        `${kind}: ${items.length}${items.length > 0 ? ` (${items.slice(0, 12).join(", ")}${items.length > 12 ? " …" : ""})` : ""}`,
      );
    }
  },
};

function comparisonOf(args: Arguments): { comparison: Comparison; metrics: string[] } {
  const kinds = [readRun(args.a).kind, readRun(args.b).kind];
  if (kinds[0] !== kinds[1])
    throw new CommandError(
      `${args.a} is a ${kinds[0]} run, ${args.b} a ${kinds[1]} run; only runs of one kind compare.`,
    );
  if (kinds[0] === "pope") {
    const [a, b] = [args.a, args.b].map((folder) => required(folder, readPopeRun(folder, args.rule).result));
    return { comparison: compare(a!, b!), metrics: ["mean accuracy", "mean F1"] };
  }
  const groundTruth = groundTruthOf(args);
  if (groundTruth === undefined) throw new UsageError("CHAIR runs need --coco-path or --ground-truth.");
  const [a, b] = [args.a, args.b].map((folder) =>
    required(folder, readChairRun(folder, groundTruth.objects).score),
  );
  return { comparison: compare(a!, b!), metrics: ["CHAIRs", "CHAIRi", "Recall"] };
}

function required<Result>(folder: string, result: Result | undefined): Result {
  if (result === undefined) throw new CommandError(`${folder} holds no finished sample yet.`);
  return result;
}
