import type { CommandModule } from "yargs";
import { holderOf } from "../../../base/lock";
import type { CellState } from "../../../experiments/result/cell_result";
import { cellStates } from "../../../experiments/result/result";
import { readExperiment } from "../../../experiments/store/folder";
import { renderTable } from "../../../report/tables";
import { strict, strictPositional } from "../../options/strict";

interface Arguments {
  folder: string;
  json: boolean;
}

export const statusCommand: CommandModule<object, Arguments> = {
  command: "status <folder>",
  describe: "How far each cell of a sweep is",
  builder: (argv) =>
    argv
      .positional(
        "folder",
        strictPositional("folder", { type: "string", demandOption: true, describe: "The sweep's folder" }),
      )
      .options(
        strict({ json: { type: "boolean", default: false, describe: "Print JSON, for machines" } }),
      ) as never,
  handler: ({ folder, json }) => {
    const sweep = readExperiment(folder);
    const cells = cellStates(sweep);
    if (json) return console.log(JSON.stringify(cells, null, 2));
    const rows = cells.map(({ name, done, failed, state }) => [
      name,
      `${done}`,
      `${failed}`,
      describe(state),
    ]);
    const right = (name: string) => ({ name, align: "right" as const });
    console.log(
      renderTable({ columns: [{ name: "cell" }, right("done"), right("failed"), { name: "state" }], rows }),
    );
    const holder = holderOf(folder);
    console.log(
      `\n${sweep.items.length} answers a cell are wanted. ${holder === undefined ? "No process writes here now." : `Process ${holder.pid} of ${holder.host} writes here now.`}`,
    );
  },
};

function describe(state: CellState): string {
  switch (state.state) {
    case "partial":
      return `${state.of - state.done} to do`;
    case "dropped":
      return `dropped in round ${state.drop.round}: ${state.drop.reason}`;
    default:
      return state.state;
  }
}
