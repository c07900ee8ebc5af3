/** Every method of the three axes, and what may be asked of one whose name is known at run time only. */
import type { z } from "zod";
import * as attentions from "./attention";
import * as contrasts from "./contrast";
import type { Edit, EditFactory, Factory } from "./describe/axes";
import type { Axis, Kept, Method, Options, Parameters } from "./describe/method";
import type { MethodTarget } from "./describe/target";
import type { PluginContrast } from "./plugin/contrast";
import { type PluginEdit, resolvePluginEdit } from "./plugin/edit";
import { varyPlugin } from "./plugin/values";
import * as searches from "./search";

export { attentions, contrasts, searches };

/** No attention edit, not even by installed hooks; no contrast. */
export const none = "none" as const;

type OneOf<Table> = Table[keyof Table];

/** An edit, built in or the user's own, as plain data. */
export type AttentionMethod = ReturnType<OneOf<typeof attentions>> | PluginEdit;

/** One edit, several in order, or `none`. */
export type Attention = typeof none | AttentionMethod | readonly AttentionMethod[];

export type Contrast = ReturnType<OneOf<typeof contrasts>> | PluginContrast;

export type Search = ReturnType<OneOf<typeof searches>>;

/** The options of a method's factory, by the method's name. */
export type OptionsOf<Table> = {
  [Name in keyof Table]: Table[Name] extends { method: Method<infer _, infer P> } ? Options<P> : never;
};

type AnyMethod = Method<string, Parameters>;
type AnyKept = Kept<string, Parameters>;

const tables: Record<Axis, Record<string, { method: unknown }>> = {
  attention: attentions,
  contrast: contrasts,
  search: searches,
};

/** The methods of every axis, in the order in which `aai methods` tells them. */
export const methods: readonly AnyMethod[] = Object.values(tables).flatMap((table) =>
  Object.values(table).map(({ method }) => method as AnyMethod),
);

/** The built-in method of this name, if there is one. */
export function findMethod(axis: Axis, name: string): AnyMethod | undefined {
  return methods.find((method) => method.axis === axis && method.name === name);
}

/** Schemas of the messages of an axis' built-in methods. */
export function schemasOf<Table extends Record<string, { method: { schema: z.ZodType } }>>(
  table: Table,
): OneOf<Table>["method"]["schema"][] {
  return Object.values(table).map(({ method }) => method.schema);
}

type SentEdit<One> =
  One extends EditFactory<infer Name, infer P, infer _>
    ? Edit<Name, P> extends { parameters: Kept<Name, P> }
      ? ReturnType<Method<Name, P>["resolve"]>
      : never
    : never;
type SentPlain<One> =
  One extends Factory<infer Name, infer P> ? ReturnType<Method<Name, P>["resolve"]> : never;

/** An edit as a worker gets it. */
export type SentAttention = SentEdit<OneOf<typeof attentions>> | ReturnType<typeof resolvePluginEdit>;
/** A contrast as a worker gets it. */
export type SentContrast = SentPlain<OneOf<typeof contrasts>> | PluginContrast;

/** Fills in what depends on the model. @throws ParameterError */
export function resolveAttention(edit: AttentionMethod, target: MethodTarget): SentAttention {
  const { parameters } = edit;
  if (parameters.method === "plugin") return resolvePluginEdit(edit as PluginEdit, target);
  return builtIn("attention", parameters).resolve(parameters as AnyKept, target) as SentAttention;
}

/** As `resolveAttention`. @throws ParameterError */
export function resolveContrast(contrast: Contrast, target: MethodTarget): SentContrast {
  if (contrast.method === "plugin") return contrast;
  return builtIn("contrast", contrast).resolve(contrast as AnyKept, target) as SentContrast;
}

/** The edits that change something, in order; `none` where nothing does. */
export function withoutNeutral(attention: Attention): Attention {
  if (attention === none) return none;
  const edits = "parameters" in attention ? [attention] : attention;
  const active = edits.filter(({ parameters }) => !isNeutral("attention", parameters));
  return active.length > 1 ? active : (active[0] ?? none);
}

/** Whether a contrast leaves the logits as they are. Of a method of the user's own only its author knows. */
export const isNeutralContrast = (contrast: Contrast) => isNeutral("contrast", contrast);

/** The edit with one parameter changed; undefined where it has none of this name. @throws ParameterError */
export function varyAttention(edit: Attention, name: string, value: unknown): AttentionMethod | undefined {
  if (edit === none || !("parameters" in edit)) return undefined;
  const parameters = vary("attention", edit.parameters, name, value);
  return parameters && ({ ...edit, parameters } as AttentionMethod);
}

/** As `varyAttention`. @throws ParameterError */
export function varyContrast(contrast: Contrast, name: string, value: unknown): Contrast | undefined {
  return vary("contrast", contrast, name, value) as Contrast | undefined;
}

/** As `varyAttention`. @throws ParameterError */
export function varySearch(search: Search, name: string, value: unknown): Search | undefined {
  return vary("search", search, name, value) as Search | undefined;
}

function vary(axis: Axis, parameters: { method: string }, name: string, value: unknown): object | undefined {
  if (parameters.method === "plugin") return varyPlugin(parameters as never, name, value);
  const method = builtIn(axis, parameters);
  if (!(name in method.parameters)) return undefined;
  const { method: _, ...others } = parameters as Record<string, unknown>;
  const given = Object.entries({ ...others, [name]: value }).filter(([, one]) => one !== null);
  return method.create(Object.fromEntries(given));
}

function isNeutral(axis: Axis, parameters: { method: string }): boolean {
  if (parameters.method === "plugin") return false;
  return builtIn(axis, parameters).isNeutral?.(parameters as AnyKept) ?? false;
}

function builtIn(axis: Axis, { method }: { method: string }): AnyMethod {
  return findMethod(axis, method)!;
}
