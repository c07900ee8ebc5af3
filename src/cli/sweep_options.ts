/** Options of `aai sweep`, and the sweep that they and a file describe together. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { InferredOptionTypes, Options } from "yargs";
import { packageRoot } from "../data/package_root";
import type { Contrast, Plugin } from "../methods";
import { POPE_RULES } from "../metrics/pope";
import { checkedSpec, readSpec } from "../sweep/read_spec";
import type { SweepSpec } from "../sweep/spec";
import { type StartWorker, workersOn } from "../sweep/workers";
import { contrastOf, contrastOptions, isContrast, ownContrastOptions } from "./contrast_options";
import { UsageError } from "./exit";
import { isAttention, modelOptions, modelSource, searchOf, searchOptions } from "./options";
import { pluginOptions, setValues } from "./plugin_options";

const space = (describe: string) => ({ type: "string", describe, group: "Space:" }) as const;
const { model: _, "model-path": __, "gpu-id": ___, ...loadOptions } = modelOptions;

/** Flag -> parameter of the attention edit. */
const shorthands = {
  alpha: "alpha",
  beta: "beta",
  layers: "layers",
  warmup: "warmup",
  "reference-mode": "mode",
  normalisation: "normalisation",
  enhance: "enhance",
  suppress: "suppress",
} as const;

export const sweepOptions = {
  attention: space(
    "Edits to compare: aai, hgai, pai, vaf, none, or some of --plugin [aai where an axis varies it]",
  ),
  alpha: space("Strengths: 0:1:0.1 (start:end:step) or 0,0.1,0.3"),
  layers: space("Ranges of decoder layers: 2-32,8-24"),
  beta: space("aai: factors on the original logits"),
  warmup: space("aai, pai: tokens written before the edit acts"),
  "reference-mode": space("aai: seed, corrected"),
  normalisation: space("aai: mean, clip, rank"),
  enhance: space("vaf: factors on image tokens"),
  suppress: space("vaf: factors on tokens before the image"),
  axis: {
    type: "string",
    array: true,
    describe: "Any other axis: --axis contrast.alpha=0.5,1 --axis search.numBeams=1,5",
    group: "Space:",
  },
  random: { type: "number", describe: "Only so many cells, chosen by --random-seed", group: "Space:" },
  "random-seed": { type: "number", default: 0, describe: "Of that choice", group: "Space:" },
  scheduler: {
    choices: ["everything", "racing", "halving"] as const,
    describe: "Which cells see all images [everything]",
    group: "Space:",
  },
  model: {
    alias: "model-path",
    type: "string",
    array: true,
    describe: "Checkpoints: folders, hub ids, demo, llava-1.5, minigpt4, shikra [demo]",
    group: "Model:",
  },
  ...loadOptions,
  "gpu-id": { type: "string", describe: "One worker on each of these GPUs: 0,1,2,3", group: "Model:" },
  workers: {
    type: "number",
    default: 1,
    describe: "Workers on --device, where no --gpu-id is given",
    group: "Model:",
  },
  "data-path": {
    alias: "data_path",
    type: "string",
    describe: "Folder of images [the demo's]",
    group: "Data:",
  },
  "coco-path": {
    alias: "coco_path",
    type: "string",
    describe: "Folder of COCO's annotation files [the demo's]",
    group: "Data:",
  },
  ids: {
    type: "string",
    describe: "Image ids: a file or a list that ships [a seeded choice]",
    group: "Data:",
  },
  "num-images": { type: "number", default: 500, describe: "How many to choose", group: "Data:" },
  seed: { type: "number", default: 927, describe: "Of that choice", group: "Data:" },
  questions: {
    type: "string",
    array: true,
    describe: "POPE question files: ask these in place of captions",
    group: "Data:",
  },
  likelihood: {
    type: "boolean",
    default: false,
    describe: "POPE: answer by the first token's likelihood",
    group: "Data:",
  },
  rule: {
    choices: Object.keys(POPE_RULES) as (keyof typeof POPE_RULES)[],
    default: "opera" as keyof typeof POPE_RULES,
    describe: "POPE: how a reply becomes yes or no",
    group: "Data:",
  },
  prompt: { type: "string", describe: "The question; {question} stands for POPE's", group: "Data:" },
  template: { type: "string", describe: "Prompt template: chat, vicuna_v1, raw … [chat]", group: "Data:" },
  ...contrastOptions,
  ...pluginOptions,
  plugin: {
    ...pluginOptions.plugin,
    nargs: 1, // the sweep's file may stand behind it
    describe:
      "Python file that declares methods for --attention, --contrast or the sweep's file; it is run (docs/methods.md)",
  },
  ...searchOptions,
  out: { type: "string", describe: "The sweep's folder; it goes on where it stopped", group: "Run:" },
  "batch-size": { type: "number", describe: "Rows alive at once, beams counted [what fits]", group: "Run:" },
  "retry-failed": { type: "boolean", default: false, describe: "Do failed rows again", group: "Run:" },
  "dry-run": {
    type: "boolean",
    default: false,
    describe: "Print the cells and what they would take, from a probe of two images",
    group: "Run:",
  },
} as const satisfies Record<string, Options>;

export type SweepArguments = InferredOptionTypes<typeof sweepOptions> & { file?: string | undefined };

/**
 * The file's sweep, with what the flags add to it or say instead.
 * @param plugins what --plugin names, loaded. @throws UsageError, DataError, ParameterError
 */
export function specOf(args: SweepArguments, plugins: readonly Plugin[] = []): SweepSpec {
  const fromFile = args.file === undefined ? {} : readSpec(args.file, plugins);
  const own = ownMethods(args, plugins);
  const grid = { ...fromFile.grid, ...gridOf(args, own) };
  const contrast = own[args.contrast ?? ""] ?? withoutNull(contrastOf(args));
  const search = args.file === undefined || searchIsGiven(args) ? searchOf(args) : undefined;
  const { prompt, template } = args;
  const base = { contrast, search, prompt, template };
  const given = Object.fromEntries(Object.entries(base).filter(([, value]) => value !== undefined));
  const spec = {
    ...fromFile,
    base: { ...fromFile.base, ...given },
    ...(Object.keys(grid).length > 0 && { grid }),
    ...(args.model && { model: args.model }),
    ...(dataIsGiven(args) && { data: dataOf(args) }),
    ...(args.random !== undefined && { random: { count: args.random, seed: args["random-seed"] } }),
    ...(args.scheduler && { scheduler: args.scheduler }),
    ...(args.out !== undefined && { out: args.out }),
  };
  return checkedSpec(spec, args.file ?? "the sweep", plugins);
}

/** The checkpoints that a sweep is about. */
export function checkpointsOf({ model = "demo" }: SweepSpec): string[] {
  return (Array.isArray(model) ? model : [model]).map((one) => modelSource({ model: one }));
}

/** One worker a GPU, or so many on a device, which share its cores. @throws UsageError */
export function workersOf({
  device,
  "gpu-id": gpus,
  workers,
  plugin: plugins = [],
}: SweepArguments): StartWorker[] {
  if (gpus !== undefined) {
    if (!/^\d+(,\d+)*$/.test(gpus))
      throw new UsageError(`--gpu-id is ${gpus}; expected numbers such as 0,1,2,3.`);
    return workersOn(
      gpus.split(",").map((gpu) => `cuda:${gpu}`),
      { plugins },
    );
  }
  if (!Number.isInteger(workers) || workers < 1)
    throw new UsageError(`--workers is ${workers}; expected 1 or more.`);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  return workersOn(Array(workers).fill(device), { plugins, ...(workers > 1 && { threads }) });
}

/** Those that --attention and --contrast name, as a file would. @throws UsageError */
function ownMethods(args: SweepArguments, plugins: readonly Plugin[]): Record<string, string | object> {
  const { attention, contrast } = args;
  const edits = (attention?.split(",") ?? []).filter((name) => !isAttention(name));
  const contrasts = contrast === undefined || isContrast(contrast) ? [] : [contrast];
  const names = plugins.length === 0 ? [] : [...edits, ...contrasts];
  return Object.fromEntries(
    Object.entries(setValues(args, names, plugins)).map(([name, values]) => {
      const parameters = { ...values, ...(name === contrast && ownContrastOptions(name, args)) };
      return [name, Object.keys(parameters).length > 0 ? { method: name, ...parameters } : name];
    }),
  );
}

function gridOf(args: SweepArguments, own: Record<string, string | object>): Record<string, unknown> {
  const shorts = Object.entries(shorthands).flatMap(([flag, parameter]) => {
    const text = args[flag as keyof typeof shorthands];
    return text === undefined ? [] : [[`attention.${parameter}`, valuesOf(`--${flag}`, parameter, text)]];
  });
  const others = (args.axis ?? []).map((text) => {
    const [, path, values] = /^([\w.]+)=(.+)$/.exec(text) ?? [];
    if (path === undefined)
      throw new UsageError(`--axis ${text}: expected a parameter and values, such as search.numBeams=1,5.`);
    return [path, valuesOf(`--axis ${path}`, path.split(".").at(-1)!, values!)];
  });
  const edits = args.attention?.split(",").map((name) => own[name] ?? name);
  const attention = edits === undefined ? [] : [["attention", edits]];
  return Object.fromEntries([...attention, ...shorts, ...others]);
}

/** `0:1:0.1` stays as it is: the file format knows it too. */
function valuesOf(flag: string, parameter: string, text: string): unknown {
  if (/^[^:,]+:[^:,]+:[^:,]+$/.test(text)) return text;
  const parts = text.split(",");
  if (parameter === "layers") {
    return parts.map((part) => {
      const [, start, end] = /^(\d+)-(\d+)$/.exec(part) ?? [];
      if (start === undefined)
        throw new UsageError(`${flag} ${text}: expected ranges of layers such as 2-32,8-24.`);
      return [Number(start), Number(end)];
    });
  }
  return parts.map((part) => {
    if (part === "true" || part === "false") return part === "true";
    return part.trim() !== "" && Number.isFinite(Number(part)) ? Number(part) : part;
  });
}

/** What is null waits for a model, and is no value in a file. */
function withoutNull(contrast: Contrast | undefined): object | undefined {
  if (contrast === undefined) return undefined;
  return Object.fromEntries(Object.entries(contrast).filter(([, value]) => value !== null));
}

function searchIsGiven(args: SweepArguments): boolean {
  const { "max-new-tokens": usual, ...others } = searchOptions;
  const named = Object.keys(others) as (keyof typeof others)[];
  return args["max-new-tokens"] !== usual.default || named.some((name) => args[name] !== undefined);
}

function dataIsGiven({ "data-path": images, questions, ids, file }: SweepArguments): boolean {
  return images !== undefined || questions !== undefined || ids !== undefined || file === undefined;
}

function dataOf(args: SweepArguments): NonNullable<SweepSpec["data"]> {
  const demo = join(packageRoot(), "demo", "data");
  const { "data-path": images = join(demo, "val2014"), questions, likelihood } = args;
  if (questions !== undefined) return { pope: { images, questions, likelihood } };
  const annotations =
    args["coco-path"] ?? (args["data-path"] === undefined ? join(demo, "annotations") : undefined);
  return {
    captions: {
      images,
      ...(annotations !== undefined && { annotations }),
      ids: args.ids ?? { count: args["num-images"], seed: args.seed },
    },
  };
}
