import type { CommandModule } from "yargs";
import { doctor } from "../../environment/doctor";
import { strict } from "../options/strict";

const signs = { ok: "✓", warn: "!", fail: "✗" } as const;

interface Arguments {
  json: boolean;
}

export const doctorCommand: CommandModule<object, Arguments> = {
  command: "doctor",
  describe: "Check everything a run needs, and say what to do about what is missing",
  builder: (argv) =>
    argv.options(strict({ json: { type: "boolean", default: false, describe: "Print JSON, for machines" } })),
  handler: async ({ json }) => {
    const checks = await doctor();
    if (json) console.log(JSON.stringify(checks, null, 2));
    else {
      const width = Math.max(...checks.map(({ name }) => name.length));
      for (const { name, state, detail, remedy } of checks) {
        console.log(`${signs[state]} ${name.padEnd(width)}  ${detail}`);
        if (remedy) console.log(`  ${" ".repeat(width)}  → ${remedy}`);
      }
    }
    if (checks.some(({ state }) => state === "fail")) process.exitCode = 1;
  },
};
