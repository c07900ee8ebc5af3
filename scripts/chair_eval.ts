/**
 * Captions a folder of images into a .jsonl file that CHAIR reads, with the flags of the authors' script:
 *
 *   npx ts-node scripts/chair_eval.ts --model demo --data-path demo/data/val2014 --use-aai --alpha 0.1 --num-images 50
 */
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { noteImages } from "../src/cli/notes/images";
import { attentionOf, attentionOptions } from "../src/cli/options/attention";
import { deviceOf, loadOptionsOf, modelOptions, modelSource } from "../src/cli/options/model";
import { searchOf, searchOptions } from "../src/cli/options/search";
import { strict } from "../src/cli/options/strict";
import { chooseIds, numericId } from "../src/data/ids";
import { startWorker } from "../src/index";
import { startProgress } from "../src/report/progress";

async function main(): Promise<void> {
  const args = await yargs(process.argv.slice(2))
    .options(
      strict({
        "data-path": { type: "string", default: "demo/data/val2014", describe: "Folder of images" },
        "num-images": {
          ...{ type: "number", whole: true, min: 1 },
          default: 50,
          describe: "How many of them, chosen by --seed from the sorted names",
        },
        seed: { ...{ type: "number", whole: true, min: 0 }, default: 927, describe: "Of the choice" },
        prompt: {
          type: "string",
          default: "Please describe this image in detail.",
          describe: "The question",
        },
        "batch-size": {
          ...{ type: "number", whole: true, min: 1 },
          default: 8,
          describe: "Images decoded together",
        },
        "save-path": { type: "string", default: "runs/captions.jsonl", describe: "Where the captions go" },
        ...modelOptions,
        ...attentionOptions,
        ...searchOptions,
      }),
    )
    .strict()
    .parseAsync();
  const { dataPath, numImages, seed, prompt, batchSize, savePath } = args;
  const attention = attentionOf(args);
  const search = searchOf(args);
  const { files } = noteImages(dataPath);
  const { ids: chosen } = chooseIds([...files.keys()], Math.min(numImages, files.size), seed);

  await using worker = await startWorker({ device: deviceOf(args) });
  const model = await worker.load(modelSource(args), loadOptionsOf(args));
  mkdirSync(dirname(savePath), { recursive: true });
  const file = createWriteStream(savePath);
  const progress = startProgress("captions", chosen.length);
  for (let first = 0; first < chosen.length; first += batchSize) {
    const batch = chosen.slice(first, first + batchSize);
    const requests = batch.map((id) => ({ image: join(dataPath, files.get(id)!), prompt, attention }));
    const { rows } = await model.generateBatch(requests, { search }).result();
    for (const row of rows) {
      const image_id = numericId(batch[row.row]!);
      if (row.status === "failed") console.error(`\n${batch[row.row]}: ${row.error.message}`);
      else file.write(`${JSON.stringify({ image_id, caption: row.text })}\n`);
    }
    progress.update(first + batch.length);
  }
  progress.end();
  file.end();
  await once(file, "finish");
  console.log(savePath);
}

main().catch(exitWith);
