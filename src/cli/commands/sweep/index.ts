import type { CommandModule } from "yargs";
import { gcCommand } from "./gc";
import { listCommand } from "./list";
import { reportCommand } from "./report";
import { runCommand } from "./run";
import { statusCommand } from "./status";

export const sweepCommand: CommandModule = {
  command: "sweep",
  describe: "Decode images under every combination of settings, one prefill an image; resumable",
  builder: (argv) =>
    argv
      .command(runCommand)
      .command(statusCommand)
      .command(listCommand)
      .command(gcCommand)
      .command(reportCommand),
  handler: () => {},
};
