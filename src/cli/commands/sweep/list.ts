import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { DataError } from "../../../base/data_error";
import { holderOf } from "../../../base/lock";
import { cellStates } from "../../../experiments/result/result";
import { isExperiment } from "../../../experiments/store/description";
import { readExperiment } from "../../../experiments/store/folder";
import { renderTable } from "../../../report/tables";
import { strictPositional } from "../../options/strict";

interface Arguments {
  folder: string;
}

export const listCommand: CommandModule<object, Arguments> = {
  command: "list [folder]",
  describe: "The sweeps and evaluations in a folder",
  builder: (argv) =>
    argv.positional(
      "folder",
      strictPositional("folder", { type: "string", default: "runs", describe: "Where they lie" }),
    ) as never,
  handler: ({ folder }) => {
    if (!existsSync(folder)) throw new DataError(`There is no folder ${folder}.`);
    const found = readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((one) => isExperiment(one))
      .sort();
    if (found.length === 0) return console.log(`There is no experiment in ${folder}.`);
    const right = (name: string) => ({ name, align: "right" as const });
    const columns = [
      { name: "experiment" },
      { name: "of" },
      right("cells"),
      right("images"),
      right("done"),
      right("failed"),
      { name: "last answer" },
    ];
    console.log(renderTable({ columns, rows: found.map(describe) }));
  },
};

function describe(folder: string): string[] {
  const sweep = readExperiment(folder);
  const wanted = cellStates(sweep).filter(({ state }) => state.state !== "dropped");
  const [done, failed] = (["done", "failed"] as const).map((what) =>
    wanted.reduce((sum, cell) => sum + cell[what], 0),
  ) as [number, number];
  const total = wanted.length * sweep.items.length;
  const images = new Set(sweep.items.map(({ image }) => image)).size;
  const last = holderOf(folder) === undefined ? lastWritten(join(folder, "samples.jsonl")) : "being written";
  const share = total === 0 ? "–" : `${Math.floor((100 * done) / total)} %`;
  return [folder, sweep.benchmark, String(sweep.cells.length), String(images), share, String(failed), last];
}

function lastWritten(file: string): string {
  return existsSync(file) ? statSync(file).mtime.toISOString().slice(0, 16).replace("T", " ") : "–";
}
