/** Options of `aai sweep`, and the sweep that they and a file describe together. */
import type { InferredOptionTypes } from "yargs";
import { DataError } from "../../base/data_error";
import { checkedSpec, readSpec } from "../../experiments/spec/read_spec";
import type { SweepSpec } from "../../experiments/spec/spec";
import { attentions, type Contrast, none, type Plugin } from "../../methods";
import { UsageError } from "../exit";
import { isAttention } from "./attention";
import { contrastOf, contrastOptions, isContrast, ownContrastOptions } from "./contrast";
import { refuseIdle } from "./idle";
import { givenFlags, isRange, methodFlags, parameterOfFlag, parseRange } from "./method_flags";
import { valuesOf as ownValues, pluginOptions } from "./methods";
import { modelOptions, modelSource } from "./model";
import { searchName, searchOf, searchOptions } from "./search";
import { builtInValue, type InUse, type Setting, settingsOf, withSettings } from "./set";
import type { Flag } from "./strict";
import { dataOf, dataOptions } from "./sweep_data";
import { workerOptions } from "./workers";

const space = (describe: string) => ({ type: "string", describe, group: "Space:" }) as const;
const { model: _, "model-path": __, "gpu-id": ___, ...loadOptions } = modelOptions;

/** The flags of attention edits, each with several values. */
const attentionAxes: Record<string, Flag> = Object.fromEntries(
  Object.entries(methodFlags("attention", "Space:")).map(([flag, { describe, choices }]) => [
    flag,
    space(choices ? `${describe} (${choices.join(", ")})` : describe!),
  ]),
);

export const sweepOptions = {
  attention: space(
    `Edits to compare: ${Object.keys(attentions).join(", ")}, none, or some of --plugin [aai where an axis varies it]`,
  ),
  // yargs' types cannot know them
  ...({
    ...attentionAxes,
    alpha: space(`${attentionAxes.alpha!.describe}; several: 0:1:0.1 (start:end:step) or 0,0.1,0.3`),
    layers: space(`${attentionAxes.layers!.describe}; several: 2-32,8-24`),
  } as object),
  axis: {
    type: "string",
    array: true,
    describe: "Any other axis: --axis contrast.alpha=0.5,1 --axis search.numBeams=1,5",
    group: "Space:",
  },
  random: {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Only so many cells, chosen by --random-seed",
    group: "Space:",
  },
  "random-seed": {
    ...{ type: "number", whole: true, min: 0 },
    describe: "Seed of the choice that --random makes [0]",
    group: "Space:",
  },
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
  ...workerOptions,
  ...dataOptions,
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
  "batch-size": {
    ...{ type: "number", whole: true, min: 1 },
    describe: "Rows alive at once, beams counted [what fits]",
    group: "Run:",
  },
  "retry-failed": { type: "boolean", default: false, describe: "Do failed rows again", group: "Run:" },
  "dry-run": {
    type: "boolean",
    default: false,
    describe: "Print the cells and what they would take, from a probe of two images",
    group: "Run:",
  },
} as const satisfies Record<string, Flag>;

export type SweepArguments = InferredOptionTypes<typeof sweepOptions> & { file?: string | undefined };

/**
 * The file's sweep, with what the flags add to it or say instead.
 * @param plugins what --plugin names, loaded. @throws UsageError, DataError, ParameterError
 */
export function specOf(args: SweepArguments, plugins: readonly Plugin[] = []): SweepSpec {
  const fromFile = args.file === undefined ? {} : readSpec(args.file, plugins);
  const { attention, contrast, given: flags } = methodsIn(args, plugins);
  const grid = { ...fromFile.grid, ...gridOf(args, attention) };
  const search = searchBeside(flags, fromFile.base?.search);
  const data = dataOf(args, fromFile.data, args.file !== undefined);
  if (args.random === undefined) refuseIdle(args, ["random-seed"], "without --random");
  const { prompt, template } = args;
  const base = { contrast, search, prompt, template };
  const given = Object.fromEntries(Object.entries(base).filter(([, value]) => value !== undefined));
  const spec = {
    ...fromFile,
    base: { ...fromFile.base, ...given },
    ...(Object.keys(grid).length > 0 && { grid }),
    ...(args.model && { model: args.model }),
    ...(data && { data }),
    ...(args.random !== undefined && { random: { count: args.random, seed: args["random-seed"] ?? 0 } }),
    ...(args.scheduler && { scheduler: args.scheduler }),
    ...(args.out !== undefined && { out: args.out }),
  };
  try {
    return checkedSpec(spec, "the command line", plugins); // the file alone has been checked
  } catch (error) {
    throw error instanceof DataError ? new UsageError(error.message) : error;
  }
}

/** The checkpoints that a sweep is about. */
export function checkpointsOf({ model = "demo" }: SweepSpec): string[] {
  return [model].flat().map((one) => modelSource({ model: one }));
}

/** The methods that flags name, as a file would, with what --set says of them. @throws UsageError */
function methodsIn(args: SweepArguments, plugins: readonly Plugin[]) {
  const { contrast = none, set = [] } = args;
  const implied = givenFlags("attention", args).length > 0 ? ["aai"] : [];
  const edits = args.attention?.split(",") ?? implied;
  const isOwn = (isBuiltIn: boolean) => plugins.length > 0 && !isBuiltIn;
  const attention = edits.map((name): InUse => ({ axis: "attention", name, own: isOwn(isAttention(name)) }));
  const mix: InUse = { axis: "contrast", name: contrast, own: isOwn(isContrast(contrast)) };
  const inUse: InUse[] = [...attention, mix, { axis: "search", name: searchName(args), own: false }];
  const settings = settingsOf(
    set,
    inUse.filter(({ name }) => name !== none),
  );
  const given = withSettings(
    args,
    settings.filter(({ method }) => method.axis !== "attention"),
  );
  const ownMix = () => ({
    ...ownValues(plugins, contrast, settings),
    ...ownContrastOptions(contrast, given),
  });
  return {
    attention: attention.map((edit) => described(edit.name, valuesIn(edit, settings, plugins))),
    contrast: mix.own ? described(contrast, ownMix()) : withoutNull(contrastOf(given)),
    given,
  };
}

/** What --set says of one edit, as a file has it: ranges as lists. */
function valuesIn(edit: InUse, settings: readonly Setting[], plugins: readonly Plugin[]): object {
  const mine = settings.filter(({ method }) => method === edit);
  if (edit.own) return ownValues(plugins, edit.name, mine);
  const values = mine.map(({ parameter, text }) => [
    parameter,
    isRange(edit.axis, parameter)
      ? parseRange(`--set ${parameter}`, text)
      : builtInValue(edit, parameter, text),
  ]);
  return Object.fromEntries(values);
}

/** A method with its parameters, or by its name alone. */
function described(method: string, values: object): string | object {
  return Object.keys(values).length > 0 ? { method, ...values } : method;
}

/** @param edits those that --attention names, or that --set is about */
function gridOf(args: SweepArguments, edits: readonly unknown[]): Record<string, unknown> {
  const parameters = parameterOfFlag("attention");
  const shorts = givenFlags("attention", args).map((flag) => {
    const text = (args as Record<string, unknown>)[flag] as string;
    const parameter = parameters.get(flag)!;
    return [`attention.${parameter}`, valuesOf(`--${flag}`, parameter, text)];
  });
  const others = (args.axis ?? []).map((text) => {
    const [, path, values] = /^([\w.]+)=(.+)$/.exec(text) ?? [];
    if (path === undefined)
      throw new UsageError(`--axis ${text}: expected a parameter and values, such as search.numBeams=1,5.`);
    return [path, valuesOf(`--axis ${path}`, path.split(".").at(-1)!, values!)];
  });
  const isNamed = args.attention !== undefined || edits.some((edit) => typeof edit !== "string");
  const attention = isNamed ? [["attention", edits]] : [];
  const axes = [...attention, ...shorts, ...others] as [string, unknown][];
  const paths = axes.map(([path]) => path);
  const again = paths.find((path, i) => paths.indexOf(path) < i);
  if (again !== undefined)
    throw new UsageError(`The axis ${again} is given twice; give all its values at once.`);
  return Object.fromEntries(axes);
}

/** `0:1:0.1` stays as it is: the file format knows it too. */
function valuesOf(flag: string, parameter: string, text: string): unknown {
  if (/^[^:,]+:[^:,]+:[^:,]+$/.test(text)) return text;
  if (/^[-\d.]+:[-\d.:]*$/.test(text))
    throw new UsageError(
      `${flag} ${text}: expected start:end:step such as 0:1:0.1, or values such as 0,0.5,1.`,
    );
  const parts = text.split(",");
  if (isRange("attention", parameter)) return parts.map((part) => parseRange(flag, part));
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

/** A limit alone is that of the file's search, not of greedy search instead. */
function searchBeside(args: SweepArguments, file: NonNullable<SweepSpec["base"]>["search"]) {
  const { "max-new-tokens": limit } = args;
  const others = givenFlags("search", args).filter((flag) => flag !== "max-new-tokens");
  if (args.file === undefined || args.search !== undefined || others.length > 0) return searchOf(args);
  if (limit === undefined || file === undefined) return limit === undefined ? undefined : searchOf(args);
  return { ...(typeof file === "string" ? { method: file } : file), maxNewTokens: limit };
}
