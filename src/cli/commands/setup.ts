import { join } from "node:path";
import { execa } from "execa";
import type { CommandModule } from "yargs";
import { packageRoot } from "../../data/package_root";

export const setupCommand: CommandModule = {
  command: "setup",
  describe: "Make the Python environment that the worker runs in",
  handler: async () => {
    const script = join(packageRoot(), "scripts", "setup.js");
    const { exitCode } = await execa(process.execPath, [script], { stdio: "inherit", reject: false });
    process.exitCode = exitCode ?? 1;
  },
};
