import { join } from "node:path";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { packageRoot } from "../../base/package_root";
import { startWorker } from "../../client";
import { chairTable, intervalCell } from "../../report/metric_cells";
import { startProgress } from "../../report/progress";
import { renderTable } from "../../report/tables";
import { chairRun } from "../../runs";
import { contrastOptions } from "../contrast_options";
import { noteEdits } from "../edit_notes";
import { CommandError } from "../exit";
import { groundTruthOf, groundTruthOptions } from "../ground_truth";
import { refuseIdle } from "../idle";
import { noteImages } from "../image_notes";
import {
  attentionOptions,
  deviceOf,
  loadOptionsOf,
  modelOptions,
  modelSource,
  searchOf,
  searchOptions,
} from "../options";
import { methodsOf, pluginOptions } from "../plugin_options";
import { runOptions } from "../run_options";
import { type Flag, strict } from "../strict";

const options = {
  "data-path": { alias: "data_path", type: "string", describe: "Folder of images [the demo's]" },
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
    describe: "Of that choice, from the sorted names [927]",
  },
  prompt: { type: "string", default: "Please describe this image in detail.", describe: "The question" },
  ...runOptions,
  ...groundTruthOptions,
  ...modelOptions,
  ...attentionOptions,
  ...contrastOptions,
  ...pluginOptions,
  ...searchOptions,
} as const satisfies Record<string, Flag>;

export const chairEvalCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: "chair-eval",
  describe: "Caption a folder of images into a run folder, and score the captions by CHAIR",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example("$0 chair-eval --use-aai --alpha 0.1 --out runs/aai", "on the demo's images")
      .example(
        "$0 chair-eval --data-path coco/val2014 --ids opera-500 --coco-path coco/annotations --out runs/plain",
        "on COCO",
      ) as never,
  handler: async (args) => {
    const { "num-images": count = 500, seed = 927 } = args;
    if (args.ids !== undefined) refuseIdle(args, ["num-images", "seed"], "beside --ids");
    const demoData = join(packageRoot(), "demo", "data");
    const useDemoTruth = args["data-path"] === undefined && args["ground-truth"] === undefined;
    const given = groundTruthOf(
      useDemoTruth ? { ...args, "coco-path": args["coco-path"] ?? join(demoData, "annotations") } : args,
    );
    const images = args["data-path"] ?? join(demoData, "val2014");
    const chooseMethods = methodsOf(args);
    const search = searchOf(args);
    const source = modelSource(args);
    noteImages(images, args["num-images"]);
    await using worker = await startWorker({ device: deviceOf(args) });
    const { attention, contrast } = await chooseMethods(worker);
    const model = await worker.load(source, loadOptionsOf(args));
    let progress: ReturnType<typeof startProgress> | undefined;
    const { folder, captions, failed, attestation, score } = await chairRun(worker, model, {
      images,
      ids: args.ids ?? { count, seed },
      prompt: args.prompt,
      template: args.template,
      attention,
      contrast,
      search,
      batchSize: args["batch-size"] ?? "auto",
      retryFailed: args["retry-failed"],
      out: args.out,
      groundTruth: given?.objects,
      onProgress: (done, total, running) => {
        progress ??= startProgress("captions", total, done);
        progress.update(
          done,
          running &&
            `CHAIRi ${intervalCell("CHAIRi", running.overall_metrics.CHAIRi, running.intervals.CHAIRi)} of ${running.sentences.length} captions`,
        );
      },
    });
    progress?.end();
    if (score) console.log(renderTable(chairTable(score)));
    const total = captions.length + failed.length;
    console.log(
      `\n${captions.length} captions${failed.length > 0 ? ` of ${total} images` : ""} in ${join(folder, "captions.jsonl")}`,
    );
    noteEdits([{ attestation }]);
    if (failed.length === 0) return;
    const shown = failed.slice(0, 5).map(({ key, error }) => `  ${key}: ${error}`);
    throw new CommandError(
      `${failed.length} images failed; --retry-failed does them again.\n${shown.join("\n")}`,
    );
  },
};
