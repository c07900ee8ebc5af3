/**
 * `npm run demo`: a tiny LLaVA describes small scenes plain and with AAI. First one pair of captions as they are
 * written; then CHAIR and POPE over more images; then a picture of where vision encoder and decoder look; then a small
 * sweep with its heat map.
 *
 *   npm run demo -- --images 20      fewer images than the 120 of demo/data/ids.txt
 *   npm run demo -- --out elsewhere  instead of demo/output
 */
import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { strict } from "../src/cli/options/strict";
import { aai, startWorker } from "../src/index";
import { attentionOverlay } from "../src/observe/attention_overlay";
import { writePng } from "../src/report/svg";
import { compareCaptions } from "./demo/captions";
import { showPair } from "./demo/pair";
import { compareAnswers } from "./demo/questions";
import { showSweep } from "./demo/small_sweep";
import { checkpoint, groundTruth, imageIds, imageOf, output, prompt, shownAlpha } from "./demo/world";

async function main(): Promise<void> {
  const { images, out } = await yargs(process.argv.slice(2))
    .options(
      strict({
        images: { type: "number", describe: "How many of the demo's [120]" },
        out: { type: "string", default: output, describe: "Folder of captions, pictures and the sweep" },
      }),
    )
    .strict()
    .parseAsync();
  const ids = imageIds.slice(0, images);
  mkdirSync(out, { recursive: true });

  console.log("Starting the worker (it imports PyTorch) …");
  await using worker = await startWorker({ threads: 1 }); // tensors this small gain nothing from a second one
  const model = await worker.load(checkpoint);
  const size = (model.description.parameters / 1e6).toFixed(1);
  console.log(`${size} M parameters on ${model.device}, loaded in ${model.loadSeconds.toFixed(1)} s.\n`);

  const first = ids[0]!;
  await showPair(model, first);
  await compareCaptions(model, ids, out);
  await compareAnswers(model, ids, 30);

  const { svg } = await attentionOverlay({
    model,
    image: imageOf(first),
    prompt,
    attention: aai({ alpha: shownAlpha }),
    label: `AAI, alpha ${shownAlpha}`,
    present: groundTruth[first]!,
  });
  await writePng(join(out, "overlay.png"), svg);
  const heatMap = await showSweep(model, Math.min(24, ids.length), out);
  const shown = relative(process.cwd(), out);
  console.log(
    `\nWritten: ${join(shown, "captions.*.jsonl")}, ${join(shown, "overlay.png")}, ${relative(process.cwd(), heatMap)}`,
  );
}

main().catch(exitWith);
