/**
 * A method of one's own: own_method.py declares an attention edit and a contrast; here they are loaded, combined with
 * built-in ones, and seen to have acted.
 *
 *   npx ts-node scripts/own_method.ts --image demo/data/val2014/COCO_val2014_000000001535.png --alpha 0.2
 */
import { join } from "node:path";
import yargs from "yargs";
import { exitWith } from "../src/cli/exit";
import { deviceOf, loadOptionsOf, modelOptions, modelSource } from "../src/cli/options/model";
import { strict } from "../src/cli/options/strict";
import { beam, greedy, none, startWorker } from "../src/index";

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
        alpha: { type: "number", default: 0.2, describe: "Strength of the attention edit" },
        ...modelOptions,
      }),
    )
    .strict()
    .parseAsync();
  const { image, prompt, alpha } = args;

  await using worker = await startWorker({ device: deviceOf(args) });
  const plugin = await worker.loadPlugin(join(__dirname, "own_method.py"));
  for (const { axis, name, summary } of plugin.declarations) console.log(`${axis} ${name}: ${summary}`);

  const model = await worker.load(modelSource(args), loadOptionsOf(args));
  const edit = plugin.attention("focus", { alpha, layers: [2, model.description.layers] });
  const settings = {
    plain: { attention: none, search: greedy({ maxNewTokens: 64 }) },
    focus: { attention: edit, search: greedy({ maxNewTokens: 64 }) },
    "focus and doubt, beam search": {
      attention: edit,
      contrast: plugin.contrast("doubt"),
      search: beam({ numBeams: 3, maxNewTokens: 64 }),
    },
  };
  for (const [name, setting] of Object.entries(settings)) {
    const { text, attestation, contrasts } = await model.generate({ image, prompt, ...setting }).result();
    console.log(`\n${name}: ${text}`);
    for (const { method, layers, steps } of attestation)
      console.log(`  ${method} acted in ${steps} steps, on layers ${layers.join(", ")}`);
    for (const { method, steps, changed, overruled } of contrasts)
      console.log(
        `  ${method} combined ${steps} steps, changed ${changed} and overruled ${overruled} of them`,
      );
  }
}

main().catch(exitWith);
