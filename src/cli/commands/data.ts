import { existsSync } from "node:fs";
import type { CommandModule } from "yargs";
import { benchmarks } from "../../benchmarks";
import type { Benchmark } from "../../benchmarks/benchmark";
import { schemaFlags, schemaValues } from "../options/schema_flags";
import { strict } from "../options/strict";

export const dataCommand: CommandModule = {
  command: "data",
  describe: "Which files a benchmark needs, where their authors publish them, and whether yours are whole",
  builder: (argv) =>
    Object.entries(benchmarks)
      .reduce((all, [name, benchmark]) => all.command(commandOf(name, benchmark)), argv)
      .demandCommand(1, `Name a benchmark: ${Object.keys(benchmarks).join(", ")}.`)
      .example("$0 data pope", "what to get, and from where")
      .example(
        "$0 data pope --images coco/val2014 --questions coco_pope_random.json",
        "and whether it is all there",
      ),
  handler: () => {},
};

function commandOf(name: string, { title, data }: Benchmark): CommandModule<object, object> {
  const flags = schemaFlags(data.options, "Data:", Object.keys(data.options.shape));
  return {
    command: name,
    describe: title,
    builder: (argv) => argv.options(strict(flags)) as never,
    handler: (args) => {
      const given = schemaValues(data.options, args);
      if (Object.keys(given).length > 0) return console.log(checked(data, given));
      const files = data.files.map(
        ({ option, what, from, size, licence }) =>
          `--${option}\n  ${what}\n  from     ${from}\n  size     ${size}\n  licence  ${licence}`,
      );
      console.log(
        `${title}\n\n${files.join("\n\n")}\n\nNothing is downloaded. Give the options to have your files checked.`,
      );
    },
  };
}

/** What there is of the data; that something is missing or wrong is an error. */
function checked({ items: itemsOf }: Benchmark["data"], given: Record<string, unknown>): string {
  const { items } = itemsOf(given);
  const images = new Set(items.map(({ image }) => image)).size;
  const paths = [...new Set(items.flatMap(({ path }) => path ?? []))];
  const lost = paths.filter((path) => !existsSync(path));
  const scored = items.filter(({ reference }) => reference !== undefined).length;
  return [
    `${items.length} items about ${images} images.`,
    paths.length === 0
      ? "The images were not looked for."
      : `${paths.length - lost.length} of ${paths.length} image files are there.`,
    ...(scored > 0 && scored < items.length
      ? [`${items.length - scored} items have nothing to be scored by.`]
      : []),
  ].join("\n");
}
