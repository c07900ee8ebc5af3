/** Options of `aai sweep` about images and questions, and the data that they and a file describe together. */
import { join } from "node:path";
import type { InferredOptionTypes } from "yargs";
import { packageRoot } from "../../base/package_root";
import { POPE_RULES } from "../../benchmarks/pope/rules";
import type { ImageChoice } from "../../data";
import type { SweepSpec } from "../../experiments/spec/spec";
import { noteImages } from "../notes/images";
import { refuseIdle } from "./idle";
import type { Flag } from "./strict";

const group = "Data:";

export const dataOptions = {
  "data-path": { type: "string", describe: "Folder of images [the demo's]", group },
  "coco-path": {
    type: "string",
    describe: "Folder of COCO's annotation files [the demo's]",
    group,
  },
  ids: { type: "string", describe: "Image ids: a file or a list that ships [a seeded choice]", group },
  "num-images": { type: "number", whole: true, min: 1, describe: "How many to choose [500]", group },
  seed: {
    type: "number",
    whole: true,
    min: 0,
    describe: "Seed of the choice of images, where no --ids are given [927]",
    group,
  },
  questions: {
    type: "string",
    array: true,
    describe: "POPE question files: ask these in place of captions",
    group,
  },
  likelihood: {
    type: "boolean",
    default: false,
    describe: "POPE: answer by the first token's likelihood",
    group,
  },
  rule: {
    choices: Object.keys(POPE_RULES) as (keyof typeof POPE_RULES)[],
    describe: "POPE: how a reply becomes yes or no [opera]",
    group,
  },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof dataOptions>;
type Data = NonNullable<SweepSpec["data"]>;
/** The data that flags can add to, as their schemas have checked it. */
type Known = { captions: Captions } | { pope: Questions };
type Captions = { images: string; annotations?: string; ids?: ImageChoice };
type Questions = { images: string; questions: string[]; likelihood?: boolean };

/** What the flags say, and beside them the file; undefined where neither says anything. @throws UsageError */
export function dataOf(args: Arguments, file: Data | undefined, hasFile: boolean): Data | undefined {
  const flagged = known(file);
  if (file !== undefined && flagged === undefined) {
    const [name] = Object.keys(file);
    refuseIdle(
      args,
      [...captionFlags, "questions", "likelihood", "rule"],
      `beside the file's data of ${name}`,
    );
    return file;
  }
  if (args.questions !== undefined || (flagged && "pope" in flagged)) return popeOf(args, flagged);
  refuseIdle(args, ["likelihood", "rule"], "without POPE's questions");
  return hasFile && captionFlags.every((flag) => args[flag] === undefined) ? file : captionsOf(args, flagged);
}

/** Says on stderr what of the images' folder is no image. @throws DataError */
export function noteData({ data }: SweepSpec, { "num-images": asked }: Arguments): void {
  const flagged = known(data);
  if (flagged && "captions" in flagged) noteImages(flagged.captions.images, asked);
}

const captionFlags = ["data-path", "coco-path", "ids", "num-images", "seed"] as const;

function known(data: Data | undefined): Known | undefined {
  return data !== undefined && ("captions" in data || "pope" in data) ? (data as Known) : undefined;
}

const demo = (name: string) => join(packageRoot(), "demo", "data", name);

function popeOf(args: Arguments, file: Known | undefined): Known {
  refuseIdle(args, ["coco-path", "ids", "num-images", "seed"], "on POPE's questions");
  const known = file !== undefined && "pope" in file ? file.pope : undefined;
  const images = args["data-path"] ?? known?.images ?? (file && imagesOf(file)) ?? demo("val2014");
  const likelihood = args.likelihood || (known?.likelihood ?? false);
  return { pope: { images, questions: args.questions ?? known!.questions, likelihood } };
}

function captionsOf(args: Arguments, file: Known | undefined): Known {
  const { "data-path": images, "coco-path": annotations, ids, "num-images": count, seed } = args;
  if (ids !== undefined) refuseIdle(args, ["num-images", "seed"], "beside --ids");
  const known = file !== undefined && "captions" in file ? file.captions : undefined;
  const usual = known === undefined && images === undefined ? demo("annotations") : undefined;
  const truth = annotations ?? known?.annotations ?? usual;
  const before = typeof known?.ids === "object" ? known.ids : { count: 500, seed: 927 };
  const chosen = { count: count ?? before.count, seed: seed ?? before.seed };
  const choice = count !== undefined || seed !== undefined ? chosen : (known?.ids ?? chosen);
  return {
    captions: {
      images: images ?? known?.images ?? demo("val2014"),
      ...(truth !== undefined && { annotations: truth }),
      ids: ids ?? choice,
    },
  };
}

function imagesOf(data: Known): string {
  return "pope" in data ? data.pope.images : data.captions.images;
}
