/**
 * Draws where a model looks: the image, the vision encoder's self-attention, and the decoder's attention plain and
 * with AAI; and saves the decoder's maps as arrays.
 *
 *   npx ts-node scripts/attention_maps.ts --image demo/data/val2014/COCO_val2014_000000001535.png --alpha 0.1
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { attentionOf, attentionOptions } from "../src/cli/options/attention";
import { deviceOf, loadOptionsOf, modelOptions, modelSource } from "../src/cli/options/model";
import { strict } from "../src/cli/options/strict";
import { attentionOverlay, none, saveSafetensors, startWorker, writePng } from "../src/index";

async function main(): Promise<void> {
  const args = await yargs(process.argv.slice(2))
    .options(
      strict({
        image: { type: "string", demandOption: true, describe: "Image file" },
        prompt: {
          type: "string",
          default: "Please describe this image in detail.",
          describe: "The question",
        },
        out: { type: "string", default: "runs/attention", describe: "Folder for what is written" },
        ...modelOptions,
        ...attentionOptions,
      }),
    )
    .default("attention", "aai" as const)
    .strict()
    .parseAsync();
  const attention = attentionOf(args);
  if (attention === none) throw new Error("--attention none leaves nothing to compare.");

  await using worker = await startWorker({ device: deviceOf(args) });
  const model = await worker.load(modelSource(args), loadOptionsOf(args));
  const { image, prompt, out } = args;
  const { method, ...rest } = attention.parameters;
  const label = "alpha" in rest ? `${method}, alpha ${rest.alpha ?? "published"}` : method;
  const overlay = await attentionOverlay({ model, image, prompt, attention, label });

  mkdirSync(out, { recursive: true });
  await writePng(join(out, "overlay.png"), overlay.svg);
  for (const name of ["plain", "edited"] as const) {
    const maps = overlay[name].attention.map(({ step, map }) => ({ ...map, name: `step.${step}` }));
    await saveSafetensors(join(out, `${name}.safetensors`), maps);
    console.log(`${name}: ${overlay[name].text}`);
  }
  console.log(
    `Written to ${out}: overlay.png, plain.safetensors, edited.safetensors (one array [layer, head, key] a token)`,
  );
}

main().catch(exitWith);
