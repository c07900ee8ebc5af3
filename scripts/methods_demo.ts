/**
 * Measures every method on the demo world: CHAIR of captions and POPE of answers, each setting compared with greedy
 * search on the same images. Writes `docs/methods_demo.json`, from which `generate_docs.ts` makes the tables of
 * `docs/methods.md`; the runs themselves are left in `demo/output/methods`.
 *
 *   npm run demo:methods                    all 300 images; killed, the same command continues
 *   npx ts-node scripts/methods_demo.ts --images 20      a look at fewer: prints, writes no results
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { strict } from "../src/cli/options/strict";
import { startWorker } from "../src/index";
import { renderTable } from "../src/report/tables";
import { checkpoint, output } from "./demo/world";
import { measureAnswers, measureCaptions } from "./methods_demo/measure";
import { type DemoResults, resultsFile } from "./methods_demo/results";
import { answerTables, captionTables } from "./methods_demo/tables";

const allImages = 300;
const askedImages = 60;

async function main(): Promise<void> {
  const { images } = await yargs(process.argv.slice(2))
    .options(strict({ images: { type: "number", default: allImages } }))
    .strict()
    .parseAsync();
  const whole = images === allImages;
  const folder = join("runs", whole ? "methods-demo" : `methods-demo-${images}`);

  await using worker = await startWorker({ threads: 1 }); // tensors this small gain nothing from a second one
  const model = await worker.load(checkpoint);
  const { torchVersion: torch, transformersVersion: transformers } = worker.info;
  const results: DemoResults = {
    versions: { torch, transformers },
    device: model.device,
    checkpoint: { fingerprint: model.fingerprint, dtype: model.dtype },
    captions: await measureCaptions(model, folder, images),
    answers: await measureAnswers(model, folder, Math.min(images, askedImages)),
  };

  for (const table of [...captionTables(results), ...answerTables(results)]) {
    console.log(`\n${renderTable(table)}`);
  }
  if (whole) writeFileSync(resultsFile, `${JSON.stringify(rounded(results), null, 1)}\n`);
  // The next run starts anew: a finished one would hide what has changed since.
  const kept = join(output, "methods");
  mkdirSync(output, { recursive: true });
  rmSync(kept, { recursive: true, force: true });
  renameSync(folder, kept);
}

/** To what a table could show at most, so that a new run changes the file where a figure has changed. */
function rounded<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (_, inner) => (typeof inner === "number" ? Number(inner.toPrecision(6)) : inner)),
  );
}

main().catch(exitWith);
