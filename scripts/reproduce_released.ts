/**
 * Every experiment in the AAI authors' README, for each model, plain and with AAI, as two sweeps that go on where they stopped:
 * CHAIR at their settings (alpha 0.3, beta 1, from layer 2 on), and POPE's three splits with the flags of their command,
 * which are OPERA's and leave AAI out (docs/methods.md says what to know of both).
 *
 *   npx ts-node scripts/reproduce_released.ts                                              the demo world
 *   npx ts-node scripts/reproduce_released.ts --model llava-hf/llava-1.5-7b-hf --coco coco    COCO: val2014, annotations, pope
 */
import { join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { strict } from "../src/cli/options/strict";
import {
  aai,
  chair,
  cocoCaptions,
  type ExperimentResult,
  greedy,
  opera,
  pope,
  popeQuestions,
  space,
  sweep,
  workersOn,
  writeReport,
} from "../src/index";
import { startProgress } from "../src/report/progress";
import { questionFiles } from "./reproduce_released/questions";

/** Their published setting; from layer 2 to the last is 2 to 32 in a decoder of 32. */
const published = { alpha: 0.3, beta: 1 };

async function main(): Promise<void> {
  const args = await yargs(process.argv.slice(2))
    .options(
      strict({
        model: {
          type: "string",
          array: true,
          default: ["demo/checkpoint"],
          describe: "Folders or hub ids, one or several",
        },
        coco: { type: "string", default: "demo/data", describe: "Folder with val2014, annotations and pope" },
        images: { type: "number", describe: "How many [OPERA's 500; of the demo 12]" },
        device: { type: "string", array: true, default: ["auto"], describe: "One worker on each" },
        out: { type: "string", default: "runs/reproduce-released", describe: "Folder of the two sweeps" },
      }),
    )
    .strict()
    .parseAsync();
  const { model, coco, images, out } = args;
  const folders = { images: join(coco, "val2014"), annotations: join(coco, "annotations") };
  const list = coco === "demo/data" ? "demo" : "opera-500";
  const captions = cocoCaptions({
    ...folders,
    ids: images === undefined ? list : { count: images, seed: 927 },
  });
  const tiny = model.every((one) => one === "demo/checkpoint"); // its tensors are too small for a second thread
  const workers = workersOn(args.device, tiny ? { threads: 1 } : {});

  const chairResult = await sweep({
    workers,
    data: captions,
    space: space({ search: greedy({ maxNewTokens: 512 }) })
      .grid({ checkpoint: model })
      .grid({ attention: [aai(published)] }),
    metrics: [chair()],
    out: join(out, "chair"),
    onProgress: progressOf("CHAIR"),
  });
  await show("CHAIR, greedy search", chairResult);

  const questions = questionFiles(coco, captions, out);
  const popeResult = await sweep({
    workers,
    data: popeQuestions({ images: folders.images, questions }),
    // A yes or no comes before their warm-up ends: AAI with it changes nothing that is scored, without it, it may.
    space: space({ search: opera({ maxNewTokens: 10 }) })
      .grid({ checkpoint: model })
      .grid({ attention: [aai(published), aai({ ...published, warmup: -1 })] }),
    metrics: [pope()],
    out: join(out, "pope"),
    onProgress: progressOf("POPE"),
  });
  await show("POPE with OPERA's flags, three splits", popeResult);
}

function progressOf(name: string) {
  let progress: ReturnType<typeof startProgress> | undefined;
  return ({ done, total }: { done: number; total: number }) => {
    progress ??= startProgress(name, total, done);
    progress.update(done, "", total);
    if (done === total) progress.end();
  };
}

async function show(title: string, result: ExperimentResult): Promise<void> {
  const written = await writeReport(result);
  console.log(`\n${title}:\n\n${result.table()}\n\nWritten beside ${written[0]}`);
}

main().catch(exitWith);
