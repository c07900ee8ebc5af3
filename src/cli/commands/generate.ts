import type { CommandModule, InferredOptionTypes } from "yargs";
import type { GenerationEvent } from "../../client/events";
import type { Generation } from "../../client/generation";
import { readImage } from "../../client/image";
import type { GenerateResult } from "../../client/result";
import { startWorker } from "../../client/worker";
import { rowAttestation, sumUp } from "../../experiments/store/attestation";
import type { RowAttestation } from "../../experiments/store/record";
import { noteEdits } from "../notes/edits";
import { attentionOptions } from "../options/attention";
import { contrastOptions } from "../options/contrast";
import { methodsOf, pluginOptions } from "../options/methods";
import { deviceOf, loadOptionsOf, modelOptions, modelSource } from "../options/model";
import { searchOptions } from "../options/search";
import { strict } from "../options/strict";

const ownOptions = {
  image: { type: "string", demandOption: true, describe: "Image file" },
  prompt: { type: "string", default: "Please describe this image in detail.", describe: "The question" },
  template: {
    type: "string",
    default: "chat",
    describe: "chat (the checkpoint's own), raw (the prompt as given, with <image> in it), vicuna_v1 …",
  },
  json: {
    type: "boolean",
    default: false,
    describe: "Token ids, text, timings and attestation, for machines",
  },
} as const;

const options = {
  ...ownOptions,
  ...modelOptions,
  ...attentionOptions,
  ...contrastOptions,
  ...pluginOptions,
  ...searchOptions,
};
type Arguments = InferredOptionTypes<typeof options>;

export const generateCommand: CommandModule<object, Arguments> = {
  command: "generate",
  describe: "Write an answer about one image, streamed to the terminal",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example('$0 generate --image cat.jpg --prompt "What is this?"', "plain")
      .example("$0 generate --image cat.jpg --alpha 0.3 --start-layer 2 --end-layer 32", "with AAI")
      .example(
        "$0 generate --image cat.jpg --plugin mine.py --attention lift --set alpha=0.3",
        "with a method of your own",
      ) as never,
  handler: async (args) => {
    const chooseMethods = methodsOf(args);
    const request = {
      image: (await readImage(args.image)).data as Uint8Array, // before a worker is started for nothing
      prompt: args.prompt,
      template: args.template,
    };
    const source = modelSource(args);
    await using worker = await startWorker({ device: deviceOf(args), plugins: args.plugin ?? [] });
    const { attention, contrast, search } = chooseMethods(worker.plugins);
    const model = await worker.load(source, loadOptionsOf(args));
    const run = model.generate({ ...request, attention, search, ...(contrast && { contrast }) });
    if (args.json) console.log(JSON.stringify(await run.result()));
    else await stream(run);
  },
};

async function stream(run: Generation<GenerateResult>): Promise<void> {
  const attested: RowAttestation[] = [];
  for await (const event of run as AsyncIterable<GenerationEvent>) {
    if (event.type === "token") process.stdout.write(event.text);
    if (event.type === "row" && event.finishReason === "failed") throw event.error;
    if (event.type === "row") {
      const others = event.alternatives.map(({ text }) => `or: ${text}\n`);
      process.stdout.write(["\n", ...others].join(""));
    }
    if (event.type === "attested") attested.push(rowAttestation(event));
  }
  noteEdits([{ attestation: sumUp(attested) }]);
}
