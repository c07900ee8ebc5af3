/** `--set`: one parameter of a method in use, by the parameter's own name. */
import type { Axis } from "../../methods/describe/method";
import { findMethod } from "../../methods/registry";
import { UsageError } from "../exit";
import { flagOf } from "./method_flags";
import type { Flag } from "./strict";

export const setOption = {
  type: "string",
  array: true,
  describe:
    "A parameter by its own name: alpha=0.3, or lift.alpha=0.3 where several methods in use have one of that name",
  group: "Methods:",
} as const satisfies Flag;

/** A method that the other flags choose. */
export interface InUse {
  axis: Axis;
  name: string;
  /** Whether it is the user's own: what parameters it has is known when a worker has loaded its file. */
  own: boolean;
}

export interface Setting {
  method: InUse;
  parameter: string;
  text: string;
}

/** Each setting with the one method in use that it is of. @throws UsageError where it is of none, or could be of several */
export function settingsOf(set: readonly string[], inUse: readonly InUse[]): Setting[] {
  return set.map((text) => {
    const [, name, parameter, value] = /^(?:(\w+)\.)?(\w+)=(.*)$/s.exec(text) ?? [];
    if (parameter === undefined) throw new UsageError(`--set ${text} is not of the form PARAMETER=VALUE.`);
    const names = inUse.map((method) => method.name).join(", ");
    const named = inUse.filter((method) => name === undefined || method.name === name);
    if (named.length === 0)
      throw new UsageError(`--set ${text} names ${name}; the methods in use are ${names}.`);
    const holders = named.filter((method) => method.own || parameter in parametersOf(method));
    const [holder] = holders;
    if (holder === undefined)
      throw new UsageError(
        `--set ${text}: there is no "${parameter}" among the parameters of ${namedIn(named)}.`,
      );
    if (holders.length > 1)
      throw new UsageError(
        `--set ${text} could belong to ${holders.map((method) => method.name).join(" or ")}; write ${holder.name}.${text}.`,
      );
    return { method: holder, parameter, text: value! };
  });
}

/** The arguments with what settings say of built-in methods, as if their flags had been typed. @throws UsageError */
export function withSettings<Args extends object>(args: Args, settings: readonly Setting[]): Args {
  const typed = { ...args } as Record<string, unknown>;
  for (const { method, parameter, text } of settings.filter((one) => !one.method.own)) {
    const flag = flagOf(method.axis, method.name, parameter);
    if (typed[flag] !== undefined)
      throw new UsageError(
        `--${flag} and --set ${parameter}=${text} say the same of ${method.name}; give one.`,
      );
    typed[flag] = builtInValue(method, parameter, text);
  }
  return typed as Args;
}

/** A built-in method's parameter as its flag would have it; text that is no such value is the method's to refuse. */
export function builtInValue(method: InUse, parameter: string, text: string): string | number | boolean {
  const { kind } = parametersOf(method)[parameter]!;
  if (kind === "number" && text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
  if (kind === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

const parametersOf = ({ axis, name }: InUse) => findMethod(axis, name)?.parameters ?? {};

function namedIn(methods: readonly InUse[]): string {
  const known = methods.map(
    (method) => `${method.name} (${Object.keys(parametersOf(method)).join(", ") || "none"})`,
  );
  return known.join(", ");
}
