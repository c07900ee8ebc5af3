import type { CommandModule } from "yargs";
import { readExperiment, removeStale, staleRecords } from "../../../experiments/store/folder";
import { strict, strictPositional } from "../../options/strict";

interface Arguments {
  folder: string;
  "dry-run": boolean;
}

export const gcCommand: CommandModule<object, Arguments> = {
  command: "gc <folder>",
  describe: "Remove answers of cells and images that are in the sweep no longer",
  builder: (argv) =>
    argv
      .positional(
        "folder",
        strictPositional("folder", { type: "string", demandOption: true, describe: "The sweep's folder" }),
      )
      .options(
        strict({ "dry-run": { type: "boolean", default: false, describe: "Only say what would go" } }),
      ) as never,
  handler: ({ folder, "dry-run": dryRun }) => {
    const sweep = readExperiment(folder);
    const stale = staleRecords(sweep);
    const cells = new Set(sweep.cells.map(({ id }) => id));
    const gone = new Set(stale.map(({ cell }) => cell as string).filter((cell) => !cells.has(cell)));
    console.log(
      `${stale.length} of ${sweep.records.size} answers are needed no longer: those of ${gone.size} cells that the last command did not name, and of images it left out.`,
    );
    if (stale.length === 0 || dryRun) return;
    removeStale(folder);
    console.log(`Removed; ${sweep.records.size - stale.length} stay.`);
  },
};
