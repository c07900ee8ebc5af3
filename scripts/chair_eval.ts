/**
 * Captions a folder of images into a .jsonl file that CHAIR reads, with the flags of the authors' script:
 *
 *   npx ts-node scripts/chair_eval.ts --model demo --data-path demo/data/val2014 --use-aai --alpha 0.1 --num-images 50
 */
import { once } from "node:events";
import { createWriteStream, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import {
  attentionOf,
  attentionOptions,
  deviceOf,
  loadOptionsOf,
  modelOptions,
  modelSource,
  searchOf,
  searchOptions,
} from "../src/cli/options";
import { chooseIds, imageIdOf } from "../src/data/ids";
import { startWorker } from "../src/index";
import { startProgress } from "../src/report/progress";

async function main(): Promise<void> {
  const args = await yargs(process.argv.slice(2))
    .options({
      "data-path": { type: "string", default: "demo/data/val2014", describe: "Folder of images" },
      "num-images": {
        type: "number",
        default: 50,
        describe: "How many of them, chosen by --seed from the sorted names",
      },
      seed: { type: "number", default: 927, describe: "Of the choice" },
      prompt: { type: "string", default: "Please describe this image in detail.", describe: "The question" },
      "batch-size": { type: "number", default: 8, describe: "Images decoded together" },
      "save-path": { type: "string", default: "runs/captions.jsonl", describe: "Where the captions go" },
      ...modelOptions,
      ...attentionOptions,
      ...searchOptions,
    })
    .strict()
    .parseAsync();
  const { dataPath, numImages, seed, prompt, batchSize, savePath } = args;
  const attention = attentionOf(args);
  const search = searchOf(args);
  const names = readdirSync(dataPath).filter((name) => /\.(png|jpe?g)$/i.test(name));
  const { ids: chosen } = chooseIds(names, Math.min(numImages, names.length), seed);

  await using worker = await startWorker({ device: deviceOf(args) });
  const model = await worker.load(modelSource(args), loadOptionsOf(args));
  mkdirSync(dirname(savePath), { recursive: true });
  const file = createWriteStream(savePath);
  const progress = startProgress("captions", chosen.length);
  for (let first = 0; first < chosen.length; first += batchSize) {
    const batch = chosen.slice(first, first + batchSize);
    const requests = batch.map((name) => ({ image: join(dataPath, name), prompt, attention }));
    const { rows } = await model.generateBatch(requests, { search }).result();
    for (const row of rows) {
      const image_id = Number(imageIdOf(batch[row.row]!));
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
