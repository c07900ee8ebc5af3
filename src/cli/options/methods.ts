/** Options for methods of the user's own, and what --attention and --contrast stand for with them. */
import type { InferredOptionTypes } from "yargs";
import { type Attention, type Contrast, none, type Plugin, type Search } from "../../methods";
import { UsageError } from "../exit";
import {
  attentionName,
  attentionOf,
  type attentionOptions,
  isAttention,
  ownAttentionOptions,
} from "./attention";
import { contrastOf, type contrastOptions, isContrast, ownContrastOptions } from "./contrast";
import { searchName, searchOf, type searchOptions } from "./search";
import { type InUse, type Setting, setOption, settingsOf, withSettings } from "./set";
import type { Flag } from "./strict";

const group = "Methods:";

export const pluginOptions = {
  plugin: {
    type: "string",
    array: true,
    describe: "Python file that declares methods for --attention or --contrast; it is run (docs/methods.md)",
    group,
  },
  set: setOption,
} as const satisfies Record<string, Flag>;

type Arguments = InferredOptionTypes<
  typeof pluginOptions & typeof attentionOptions & typeof contrastOptions & typeof searchOptions
>;
type Axis = "attention" | "contrast";

/** The methods that a command line chooses. */
interface ChosenMethods {
  attention: Attention;
  contrast: Contrast | undefined;
  search: Search;
}

/**
 * Checks the options at once; what a method of the user's own takes is known when a worker has loaded its file.
 * @param usual what the search has where no option says otherwise. @throws UsageError, ParameterError
 */
export function methodsOf(
  args: Arguments,
  usual: { maxNewTokens?: number } = {},
): (plugins: readonly Plugin[]) => ChosenMethods {
  const { plugin: files = [], set = [], contrast = none } = args;
  const attention = attentionName(args);
  const isOwn = {
    attention: files.length > 0 && !isAttention(attention),
    contrast: files.length > 0 && !isContrast(contrast),
  };
  if (files.length > 0 && !isOwn.attention && !isOwn.contrast)
    throw new UsageError("--plugin is given, but neither --attention nor --contrast names a method of it.");
  const inUse: InUse[] = [
    { axis: "attention", name: attention, own: isOwn.attention },
    { axis: "contrast", name: contrast, own: isOwn.contrast },
    { axis: "search", name: searchName(args), own: false },
  ];
  const settings = settingsOf(
    set,
    inUse.filter(({ name }) => name !== none),
  );
  const given = withSettings(args, settings);
  const makeAttention = isOwn.attention
    ? ownAttention(attention, given, settings)
    : always(attentionOf(given));
  const makeContrast = isOwn.contrast ? ownContrast(contrast, given, settings) : always(contrastOf(given));
  const search = searchOf(given, usual);
  return (plugins) => ({ attention: makeAttention(plugins), contrast: makeContrast(plugins), search });
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

/** What --set says of one method of the user's own. */
export function valuesOf(
  plugins: readonly Plugin[],
  name: string,
  settings: readonly Setting[],
): Record<string, number | boolean | string> {
  const types = plugins
    .flatMap(({ declarations }) => declarations)
    .filter((one) => one.name === name)
    .flatMap(({ parameters }) => parameters.map((parameter) => [parameter.name, parameter.type] as const));
  const mine = settings.filter(({ method }) => method.name === name);
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
