/** Options for methods of the user's own, and what --attention and --contrast stand for with them. */
import type { InferredOptionTypes } from "yargs";
import type { Attention, Contrast, Plugin } from "../methods";
import { contrastOf, type contrastOptions, isContrast, ownContrastOptions } from "./contrast_options";
import { UsageError } from "./exit";
import { attentionOf, type attentionOptions, isAttention, ownAttentionOptions } from "./options";
import type { Flag } from "./strict";

const group = "Methods of your own:";

export const pluginOptions = {
  plugin: {
    type: "string",
    array: true,
    describe: "Python file that declares methods for --attention or --contrast; it is run (docs/methods.md)",
    group,
  },
  set: {
    type: "string",
    array: true,
    describe: "A parameter of theirs: alpha=0.3, or lift.alpha=0.3 where two of them are in use",
    group,
  },
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<typeof pluginOptions & typeof attentionOptions & typeof contrastOptions>;
type Axis = "attention" | "contrast";

interface Setting {
  method: string;
  parameter: string;
  text: string;
}

interface ChosenMethods {
  attention: Attention;
  contrast: Contrast | undefined;
}

/** Checks the options at once; what a method of the user's own takes is known when a worker has loaded its file. @throws UsageError */
export function methodsOf(args: Arguments): (plugins: readonly Plugin[]) => ChosenMethods {
  const { plugin: files = [], set = [], attention, contrast } = args;
  const edit = files.length > 0 && attention !== undefined && !isAttention(attention) ? attention : undefined;
  const mix = files.length > 0 && contrast !== undefined && !isContrast(contrast) ? contrast : undefined;
  const own = [edit, mix].filter((name) => name !== undefined);
  const settings = set.map((text) => settingOf(text, own));
  const makeAttention = edit === undefined ? always(attentionOf(args)) : ownAttention(edit, args, settings);
  const makeContrast = mix === undefined ? always(contrastOf(args)) : ownContrast(mix, args, settings);
  if (files.length > 0 && own.length === 0)
    throw new UsageError("--plugin is given, but neither --attention nor --contrast names a method of it.");
  return (plugins) => ({ attention: makeAttention(plugins), contrast: makeContrast(plugins) });
}

/** What --set says of each of these methods of the user's own. @throws UsageError */
export function setValues(
  { set = [] }: InferredOptionTypes<typeof pluginOptions>,
  names: readonly string[],
  plugins: readonly Plugin[],
): Record<string, Record<string, number | boolean | string>> {
  const settings = set.map((text) => settingOf(text, names));
  return Object.fromEntries(names.map((name) => [name, valuesOf(plugins, name, settings)]));
}

const always =
  <Value>(value: Value) =>
  () =>
    value;

function ownAttention(
  name: string,
  args: Arguments,
  settings: Setting[],
): (plugins: readonly Plugin[]) => Attention {
  const options = ownAttentionOptions(name, args);
  return (plugins) => {
    const plugin = declaring(plugins, "attention", name);
    return plugin.attention(name, { ...options, ...valuesOf([plugin], name, settings) });
  };
}

function ownContrast(
  name: string,
  args: Arguments,
  settings: Setting[],
): (plugins: readonly Plugin[]) => Contrast {
  const options = ownContrastOptions(name, args);
  return (plugins) => {
    const plugin = declaring(plugins, "contrast", name);
    return plugin.contrast(name, { ...options, ...valuesOf([plugin], name, settings) });
  };
}

/** Where none declares it, the first, which will say so. */
function declaring(plugins: readonly Plugin[], axis: Axis, name: string): Plugin {
  return plugins.find((one) => one.find(axis, name) !== undefined) ?? plugins[0]!;
}

function settingOf(text: string, own: readonly string[]): Setting {
  const [, method, parameter, value] = /^(?:(\w+)\.)?(\w+)=(.*)$/s.exec(text) ?? [];
  if (parameter === undefined) throw new UsageError(`--set ${text} is not of the form PARAMETER=VALUE.`);
  if (own.length === 0)
    throw new UsageError(
      `--set ${text} belongs to a method of your own; give --plugin, and --attention or --contrast.`,
    );
  if (method === undefined && own.length > 1)
    throw new UsageError(`--set ${text} could belong to ${own.join(" or ")}; write ${own[0]}.${text}.`);
  if (method !== undefined && !own.includes(method))
    throw new UsageError(`--set ${text} names ${method}; of your own methods ${own.join(", ")} is in use.`);
  return { method: method ?? own[0]!, parameter, text: value! };
}

function valuesOf(plugins: readonly Plugin[], name: string, settings: readonly Setting[]) {
  const types = plugins
    .flatMap(({ declarations }) => declarations)
    .filter((one) => one.name === name)
    .flatMap(({ parameters }) => parameters.map((parameter) => [parameter.name, parameter.type] as const));
  const mine = settings.filter(({ method }) => method === name);
  return Object.fromEntries(
    mine.map(({ parameter, text }) => [parameter, parse(new Map(types).get(parameter), text)]),
  );
}

/** Text that is no such value is left as it is: the method says what it needs instead. */
function parse(type: string | undefined, text: string): number | boolean | string {
  if (type === "bool" && /^(true|false)$/.test(text)) return text === "true";
  if ((type === "float" || type === "int") && text.trim() !== "" && !Number.isNaN(Number(text)))
    return Number(text);
  return text;
}
