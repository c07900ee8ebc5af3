import type { CommandModule, Options } from "yargs";
import { type ConversionProgress, convertModel } from "../../environment/convert";
import { publishedModels } from "../../environment/published_models";
import { type Progress, startProgress } from "../../report/progress";
import { strict } from "../options/strict";

const megabyte = 1e6;

const common: Record<string, Options> = {
  out: { type: "string", demandOption: true, describe: "Folder to write; must be empty or not there yet" },
  drop: {
    type: "string",
    array: true,
    describe: "Published tensors to leave out, by a regular expression for the whole name",
  },
};

const imageShape = (padded: string): Record<string, Options> => ({
  "image-shape": {
    choices: ["pad", "crop"],
    default: "pad",
    describe: `pad: images to a square ${padded}; crop: the centre, as PAI's and AAI's evaluations`,
  },
});

/** What each option of `publishedModels` takes, and what else there is. */
const inputs: Record<string, { describe: Record<string, string>; more: Record<string, Options> }> = {
  "llava-1.5": {
    describe: { checkpoint: "Folder", vision: "Folder" },
    more: {
      projector: { type: "string", describe: "File [mm_projector.bin of the checkpoint]" },
      ...imageShape("with the mean colour, as LLaVA's own evaluation"),
    },
  },
  minigpt4: {
    describe: { vision: "File", qformer: "File", projector: "File", llm: "Folder" },
    more: {},
  },
  shikra: {
    describe: { delta: "Folder", base: "Folder", vision: "Folder" },
    more: imageShape("with white, as Shikra's own code"),
  },
};

export const convertCommand: CommandModule = {
  command: "convert",
  describe: "Make a folder that loads of LLaVA-1.5, MiniGPT-4 or Shikra as published",
  builder: (argv) =>
    Object.keys(publishedModels)
      .reduce((parser, model) => parser.command(modelCommand(model)), argv)
      .demandCommand(1, `Name a model: ${Object.keys(publishedModels).join(", ")}.`)
      .epilogue(
        "Nothing in a published file is executed, and every tensor is accounted for. An interrupted conversion goes on " +
          "with the same command. docs/convert.md has the files and where they come from.",
      ),
  handler: () => {},
};

function modelCommand(model: string): CommandModule {
  const { title, downloads, size } = publishedModels[model]!;
  const { describe, more } = inputs[model]!;
  const required = Object.fromEntries(
    downloads.map(({ option, what, size }): [string, Options] => [
      option,
      { type: "string", demandOption: true, describe: `${describe[option]}: ${what}, about ${size}` },
    ]),
  );
  const options = { ...required, ...more, ...common };
  return {
    command: model,
    describe: `${title}, into about ${size}`,
    builder: (argv) => argv.options(strict(options)),
    handler: async (args) => {
      const given = Object.fromEntries(Object.keys(options).map((name) => [name, args[name] as string]));
      const bars = new Bars();
      const folder = await convertModel(model, given, (step) => bars.show(step)).finally(() => bars.end());
      console.log(`${folder}\nis what --model ${model} now stands for.`);
    },
  };
}

/** One bar per phase, in megabytes. */
class Bars {
  #phase: string | undefined;
  #progress: Progress | undefined;

  show({ phase, done, total, file }: ConversionProgress): void {
    if (phase !== this.#phase) {
      this.end();
      this.#progress = startProgress(`${phase} MB`, Math.ceil(total / megabyte));
    }
    this.#phase = phase;
    this.#progress?.update(Math.ceil(done / megabyte), file);
  }

  /** What is printed next stands on a line of its own, however the conversion ended. */
  end(): void {
    this.#progress?.end();
  }
}
