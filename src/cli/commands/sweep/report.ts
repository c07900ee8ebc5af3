import type { CommandModule } from "yargs";
import { withBaselines } from "../../../experiments/baselines";
import { writeReport } from "../../../experiments/result/report";
import { ExperimentResult } from "../../../experiments/result/result";
import { tableNote } from "../../../experiments/result/table";
import { readExperiment } from "../../../experiments/store/folder";
import { type TableFormat, tableFormats } from "../../../report/tables";
import { noteEdits } from "../../notes/edits";
import { strict, strictPositional } from "../../options/strict";
import { baselineOption } from "./baseline_option";

interface Arguments {
  folder: string;
  format: TableFormat;
  baseline?: string[];
}

export const reportCommand: CommandModule<object, Arguments> = {
  command: "report <folder>",
  describe: "Tables and figures of what a sweep has so far, into its folder `report`",
  builder: (argv) =>
    argv
      .positional(
        "folder",
        strictPositional("folder", { type: "string", demandOption: true, describe: "The sweep's folder" }),
      )
      .options(
        strict({
          format: {
            choices: Object.keys(tableFormats) as TableFormat[],
            default: "terminal" as TableFormat,
            describe: "Format of the table that is printed",
          },
          baseline: baselineOption,
        }),
      ) as never,
  handler: async ({ folder, format, baseline = [] }) => {
    const result = new ExperimentResult(withBaselines(readExperiment(folder), baseline));
    console.log(result.table(format));
    const files = await writeReport(result);
    if (format !== "terminal") return;
    for (const metric of result.metrics) console.log(`\n${tableNote(metric)}`);
    console.log(`\nWritten:\n${files.map((file) => `  ${file}`).join("\n")}`);
    noteEdits(result.experiment.cells);
  },
};
