import yargs, { type Argv } from "yargs";
import { chairCommand } from "./commands/chair";
import { chairEvalCommand } from "./commands/chair_eval";
import { compareCommand } from "./commands/compare";
import { convertCommand } from "./commands/convert";
import { dataCommand } from "./commands/data";
import { doctorCommand } from "./commands/doctor";
import { evalCommand } from "./commands/eval";
import { generateCommand } from "./commands/generate";
import { inspectCommand } from "./commands/inspect";
import { methodsCommand } from "./commands/methods";
import { popeCommand } from "./commands/pope";
import { popeBuildCommand } from "./commands/pope_build";
import { popeEvalCommand } from "./commands/pope_eval";
import { scoreCommand } from "./commands/score";
import { setupCommand } from "./commands/setup";
import { sweepCommand } from "./commands/sweep";
import { UsageError } from "./exit";

/** What reads a command line. Its promise is rejected with a UsageError where that is wrong, before a command runs. */
export function parserOf(args: readonly string[]): Argv {
  return yargs(args.map(withDashes))
    .scriptName("aai")
    .usage(
      "$0 <command>\n\nDrive a vision-language model, and align its attention with the image while it writes.",
    )
    .command(generateCommand)
    .command(chairEvalCommand)
    .command(popeEvalCommand)
    .command(evalCommand)
    .command(sweepCommand)
    .command(chairCommand)
    .command(popeCommand)
    .command(scoreCommand)
    .command(compareCommand)
    .command(dataCommand)
    .command(popeBuildCommand)
    .command(methodsCommand)
    .command(convertCommand)
    .command(inspectCommand)
    .command(doctorCommand)
    .command(setupCommand)
    .example("$0 setup", "make the Python environment")
    .example(
      "$0 generate --image cat.jpg --use-aai --alpha 0.3",
      "describe a picture, attention aligned with it",
    )
    .example("$0 inspect llava-hf/llava-1.5-7b-hf", "what a checkpoint is, before loading it")
    .epilogue(
      "`aai <command> --help` tells the options of a command. Flags may have underscores for dashes, as in the AAI authors' " +
        "scripts. Documentation: README.md and docs/.",
    )
    .demandCommand(1, "Name a command.")
    .strict()
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .version()
    .help()
    .alias({ help: "h", version: "v" })
    .exitProcess(false)
    .updateStrings({
      "Argument unexpected for: %s": "--%s takes no value.",
      "Not enough arguments following: %s": "--%s has no value.",
    })
    .fail((message, error) => {
      throw error === undefined || error.name === "YError" ? new UsageError(message) : error;
    });
}

/** `--scale_factor=50` as `--scale-factor=50`: the AAI authors' scripts write flags with underscores. */
function withDashes(word: string): string {
  return word.replace(/^--[\w-]+/, (flag) => flag.replaceAll("_", "-"));
}
