import type { CommandModule, InferredOptionTypes } from "yargs";
import { pope, readPope, writePope } from "../../benchmarks";
import { UsageError } from "../exit";
import { noteImages } from "../notes/images";
import { groundTruthOf, groundTruthOptions } from "../options/ground_truth";
import { type Flag, strict } from "../options/strict";

const options = {
  "data-path": {
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
    ...{ type: "number", whole: true, min: 1 },
    default: 500,
    describe: "Images, chosen among those with at least three objects",
  },
  seed: {
    ...{ type: "number", whole: true, min: 0 },
    default: 0,
    describe: "Seed of the choice of images and of the random negatives",
  },
  ...groundTruthOptions,
} as const satisfies Record<string, Flag>;

export const popeBuildCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: "pope-build",
  describe: "Make POPE's questions from a CHAIR ground truth",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example(
        "$0 pope-build --data-path coco/val2014 --coco-path coco/annotations --out pope",
        "as the official files are made",
      ) as never,
  handler: async (args) => {
    const groundTruth = groundTruthOf(args);
    if (groundTruth === undefined) throw new UsageError("Give --coco-path or --ground-truth.");
    const { files: names } = noteImages(args["data-path"]);
    const here = Object.fromEntries(Object.entries(groundTruth.objects).filter(([id]) => names.has(id)));
    noteUnknown([...names.keys()].filter((id) => here[id] === undefined).length, names.size);
    const questions = pope.build(here, {
      images: args["num-images"],
      seed: args.seed,
      imageName: (id) => names.get(id)!,
    });
    for (const file of writePope(questions, args.out)) {
      const written = readPope(file);
      const images = new Set(written.map(({ image }) => image)).size;
      console.log(`${file}: ${written.length} questions about ${images} images`);
    }
  },
};

function noteUnknown(unknown: number, images: number): void {
  if (unknown > 0)
    console.error(`aai: ${unknown} of ${images} images have no ground truth, and are not asked about.`);
}
