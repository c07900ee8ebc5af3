import { join } from "node:path";
import type { CommandModule } from "yargs";
import { packageRoot } from "../../base/package_root";

export const setupCommand: CommandModule = {
  command: "setup",
  describe: "Make the Python environment that the worker runs in",
  handler: async () => {
    const { execa } = await import("execa");
    const script = join(packageRoot(), "scripts", "setup.js");
    const { exitCode } = await execa(process.execPath, [script], { stdio: "inherit", reject: false });
    process.exitCode = exitCode ?? 1;
  },
};
