import { type Attention, type AttentionMethod, attentions, none } from "./attention";
import { checkedEdit } from "./attention/plugin";
import { type Contrast, contrasts } from "./contrast";
import { checkedContrast } from "./contrast/plugin";
import { varyPlugin } from "./plugin_values";
import { type Search, searches } from "./search";

/** The edit with one parameter changed; undefined where it has none of this name. @throws ParameterError */
export function varyAttention(
  attention: Attention,
  name: string,
  value: unknown,
): AttentionMethod | undefined {
  if (attention === none || !("parameters" in attention)) return undefined;
  const { parameters } = attention;
  const reference = "reference" in attention ? attention.reference : undefined;
  if (parameters.method === "plugin") {
    const varied = varyPlugin(parameters, name, value);
    return varied && { parameters: checkedEdit(varied), reference };
  }
  const options = vary(parameters, name, value);
  const create = attentions[parameters.method] as (options: object) => AttentionMethod;
  return options && create({ ...options, ...(reference && { reference }) });
}

/** The contrast with one parameter changed; undefined where it has none of this name. @throws ParameterError */
export function varyContrast(contrast: Contrast, name: string, value: unknown): Contrast | undefined {
  if (contrast.method === "plugin") {
    const varied = varyPlugin(contrast, name, value);
    return varied && checkedContrast(varied);
  }
  const options = vary(contrast, name, value);
  const create = contrasts[contrast.method] as (options: object) => Contrast;
  return options && create(options);
}

/** The search with one parameter changed; undefined where it has none of this name. @throws ParameterError */
export function varySearch(search: Search, name: string, value: unknown): Search | undefined {
  const options = vary(search, name, value);
  const create = searches[search.method] as (options: object) => Search;
  return options && create(options);
}

/** Options that make these parameters, one of them changed; null ones wait for a model and are left to the default. */
function vary(
  { method: _, ...parameters }: { method: string },
  name: string,
  value: unknown,
): object | undefined {
  if (!Object.hasOwn(parameters, name)) return undefined;
  const entries = Object.entries({ ...parameters, [name]: value });
  return Object.fromEntries(entries.filter(([, one]) => one !== null));
}
