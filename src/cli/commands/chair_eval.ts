import { join } from "node:path";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { packageRoot } from "../../base/package_root";
import { chair, cocoCaptions } from "../../benchmarks";
import { runEvaluation } from "../evaluation";
import { noteImages } from "../notes/images";
import { evaluationOptions } from "../options/evaluation";
import { groundTruthOf, groundTruthOptions } from "../options/ground_truth";
import { refuseIdle } from "../options/idle";
import { type Flag, strict } from "../options/strict";

const options = {
  "data-path": { type: "string", describe: "Folder of images [the demo's]" },
  ids: {
    type: "string",
    describe: "Image ids: a file, or a list that ships, such as opera-500 [a seeded choice]",
  },
  "num-images": {
    ...{ type: "number", whole: true, min: 1 },
    describe: "How many images to choose where no --ids is given [500]",
  },
  seed: {
    ...{ type: "number", whole: true, min: 0 },
    describe: "Seed of the choice that --num-images makes from the sorted names [927]",
  },
  prompt: { type: "string", default: "Please describe this image in detail.", describe: "The question" },
  ...groundTruthOptions,
  ...evaluationOptions,
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof options>;

export const chairEvalCommand: CommandModule<object, Arguments> = {
  command: "chair-eval",
  describe: "Caption a folder of images into a folder that resumes, and score the captions by CHAIR",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example("$0 chair-eval --use-aai --alpha 0.1 --out runs/aai", "on the demo's images")
      .example(
        "$0 chair-eval --data-path coco/val2014 --ids opera-500 --coco-path coco/annotations --out runs/plain",
        "on COCO",
      ) as never,
  handler: async (args) => {
    const { ids, prompt, "num-images": count = 500, seed = 927 } = args;
    if (ids !== undefined) refuseIdle(args, ["num-images", "seed"], "beside --ids");
    await runEvaluation(args, () => {
      const groundTruth = groundTruthOf(withDemo(args))?.objects;
      const images = args["data-path"] ?? demo("val2014");
      noteImages(images, args["num-images"]);
      const data = cocoCaptions({ images, ids: ids ?? { count, seed }, ...(groundTruth && { groundTruth }) });
      return {
        ...{
          data,
          prompt,
          metrics: groundTruth ? [chair()] : [],
          answers: "captions",
          asked: "images",
        },
        note: ({ folder }, counted) => `${counted} in ${join(folder, chair.answersFile.name)}`,
      };
    });
  },
};

/** The demo's ground truth beside the demo's images. */
function withDemo(args: Arguments): Arguments {
  if (args["data-path"] !== undefined || args["ground-truth"] !== undefined) return args;
  return { ...args, "coco-path": args["coco-path"] ?? demo("annotations") };
}

function demo(name: string): string {
  return join(packageRoot(), "demo", "data", name);
}
