import { readdirSync } from "node:fs";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { imageIdOf, readPope, writePope } from "../../data";
import { pope } from "../../metrics";
import { UsageError } from "../exit";
import { groundTruthOf, groundTruthOptions } from "../ground_truth";

const options = {
  "data-path": {
    alias: "data_path",
    type: "string",
    demandOption: true,
    describe: "Folder of images, for their file names",
  },
  out: {
    type: "string",
    demandOption: true,
    describe: "Folder for coco_pope_{random,popular,adversarial}.json",
  },
  "num-images": {
    type: "number",
    default: 500,
    describe: "Images, chosen among those with at least three objects",
  },
  seed: { type: "number", default: 0, describe: "Of the choice and of the random negatives" },
  ...groundTruthOptions,
} as const;

export const popeBuildCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: "pope-build",
  describe: "Make POPE's questions from a CHAIR ground truth",
  builder: (argv) =>
    argv
      .options(options)
      .example(
        "$0 pope-build --data-path coco/val2014 --coco-path coco/annotations --out pope",
        "as the official files are made",
      ) as never,
  handler: async (args) => {
    const groundTruth = groundTruthOf(args);
    if (groundTruth === undefined) throw new UsageError("Give --coco-path or --ground-truth.");
    const names = new Map(
      readdirSync(args["data-path"])
        .sort()
        .map((name) => [imageIdOf(name), name]),
    );
    const here = Object.fromEntries(Object.entries(groundTruth.objects).filter(([id]) => names.has(id)));
    const questions = pope.build(here, {
      images: args["num-images"],
      seed: args.seed,
      imageName: (id) => names.get(id)!,
    });
    for (const file of writePope(questions, args.out))
      console.log(`${file}: ${readPope(file).length} questions`);
  },
};
