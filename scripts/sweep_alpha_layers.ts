/**
 * Every strength of AAI under every range of decoder layers, with its table and figures; started again, it goes on.
 *
 *   npx ts-node scripts/sweep_alpha_layers.ts                       the demo's checkpoint and images
 *   npx ts-node scripts/sweep_alpha_layers.ts --model llava-hf/llava-1.5-7b-hf --coco coco     COCO, its annotations beside val2014
 */
import { join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { strict } from "../src/cli/options/strict";
import { chair, cocoCaptions, greedy, range, startWorker, sweep, writeReport } from "../src/index";
import { startProgress } from "../src/report/progress";

async function main(): Promise<void> {
  const { model, coco, images, out } = await yargs(process.argv.slice(2))
    .options(
      strict({
        model: { type: "string", default: "demo/checkpoint", describe: "Folder or hub id" },
        coco: { type: "string", default: "demo/data", describe: "Folder with val2014 and annotations" },
        images: { type: "number", default: 40, describe: "How many, chosen by seed" },
        out: { type: "string", default: "runs/alpha-layers", describe: "The sweep's folder" },
      }),
    )
    .strict()
    .parseAsync();
  const demo = model === "demo/checkpoint";
  await using worker = await startWorker(demo ? { threads: 1 } : {}); // its tensors are too small for a second one
  const loaded = await worker.load(model);
  const { layers } = loaded.description;
  const half = Math.floor(layers / 2);
  let progress: ReturnType<typeof startProgress> | undefined;
  const result = await sweep({
    model: loaded,
    data: cocoCaptions({
      images: join(coco, "val2014"),
      annotations: join(coco, "annotations"),
      ids: { count: images, seed: 927 },
    }),
    search: greedy({ maxNewTokens: demo ? 96 : 512 }),
    space: {
      "attention.alpha": range(0, 0.3, 0.1),
      "attention.layers": [
        [2, layers],
        [0, half],
        [half, layers],
      ],
    },
    metrics: [chair()],
    out,
    onProgress: ({ done, total }) => {
      progress ??= startProgress("sweep", total, done);
      progress.update(done, "", total);
    },
  });
  progress?.end();
  console.log(result.table());
  console.log(`\nWritten:\n${(await writeReport(result)).map((file) => `  ${file}`).join("\n")}`);
}

main().catch(exitWith);
