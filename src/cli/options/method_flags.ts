/** The flags of an axis's methods. What a parameter is called, may be, is by default and means stands in the method's description. */

import { groups } from "../../base/groups";
import type { Axis, Parameters } from "../../methods/describe/method";
import { methods } from "../../methods/registry";
import { UsageError } from "../exit";
import type { Flag } from "./strict";

/** A parameter of one method, under a flag that others may share. */
interface Use {
  method: string;
  name: string;
  parameter: Parameters[string];
}

/** One option a flag, its values unchecked but for their form: the method's factory checks them. */
export function methodFlags(axis: Axis, group: string): Record<string, Flag> {
  return Object.fromEntries(
    [...usesOf(axis)].map(([flag, uses]) => [flag, { ...typeOf(uses), describe: meaningOf(uses), group }]),
  );
}

/** The flags of an axis, and the parameter that each stands for. */
export function parameterOfFlag(axis: Axis): ReadonlyMap<string, string> {
  return new Map([...usesOf(axis)].map(([flag, [use]]) => [flag, use!.name]));
}

/** Which flags of an axis are given. */
export function givenFlags(axis: Axis, args: object): string[] {
  return [...usesOf(axis).keys()].filter((flag) => valueUnder(args, flag) !== undefined);
}

/** What the flags say of one method, by parameter. @throws UsageError where it has no such parameter, or a value has another form */
export function givenParameters(axis: Axis, method: string, args: object): Record<string, unknown> {
  const uses = usesOf(axis);
  return Object.fromEntries(
    givenFlags(axis, args).map((flag) => {
      const use = uses.get(flag)!.find((one) => one.method === method);
      if (use === undefined) throw new UsageError(`--${axis} ${method} takes no --${flag}.`);
      return [use.name, parsed(flag, use.parameter, valueUnder(args, flag))];
    }),
  );
}

/** Whether a built-in method has the parameter of a flag. */
export function takes(axis: Axis, method: string, flag: string): boolean {
  return (
    usesOf(axis)
      .get(flag)
      ?.some((use) => use.method === method) ?? false
  );
}

/** The flag of a built-in method's parameter. */
export function flagOf(axis: Axis, method: string, name: string): string {
  const uses = [...usesOf(axis)].find(([, all]) =>
    all.some((use) => use.method === method && use.name === name),
  );
  return uses![0];
}

/** Reads a range `[start, end)` from START-END or START,END. @param flag its name, for errors. @throws UsageError */
export function parseRange(flag: string, text: string): [start: number, end: number] {
  const [, start, end] = /^(\d+)[-,](\d+)$/.exec(text) ?? [];
  if (start !== undefined && Number(start) < Number(end)) return [Number(start), Number(end)];
  throw new UsageError(
    `${flag} is ${JSON.stringify(text)}; expected START-END such as 2-32, the start below the end, which is not included.`,
  );
}

/** Whether a parameter of this name is a range in any method of the axis. */
export const isRange = (axis: Axis, name: string) =>
  methods.some((method) => method.axis === axis && method.parameters[name]?.kind === "range");

function usesOf(axis: Axis): Map<string, Use[]> {
  const uses = new Map<string, Use[]>();
  for (const method of methods.filter((one) => one.axis === axis))
    for (const [name, parameter] of Object.entries(method.parameters)) {
      const flag = parameter.flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      uses.set(flag, [...(uses.get(flag) ?? []), { method: method.name, name, parameter }]);
    }
  return uses;
}

function typeOf(uses: readonly Use[]): Flag {
  const kinds = new Set(uses.map(({ parameter }) => parameter.kind));
  const [kind] = kinds.size === 1 ? kinds : [undefined];
  if (kind === "choice") return { choices: [...new Set(uses.flatMap(({ parameter }) => parameter.choices))] };
  return { type: kind === "number" || kind === "boolean" ? kind : "string" };
}

/** `aai, pai: meaning [aai 5; pai -1]`, for each meaning. */
function meaningOf(uses: readonly Use[]): string {
  const meanings = groups(uses, ({ parameter }) => parameter.meaning).map(
    (mine) => `${namesOf(mine)}: ${mine[0]!.parameter.meaning} [${defaultsOf(mine)}]`,
  );
  const form = uses.some(({ parameter }) => parameter.kind === "range") ? "START-END, such as 2-32; " : "";
  return form + meanings.join("; ");
}

function defaultsOf(uses: readonly Use[]): string {
  const defaults = groups(uses, ({ parameter }) => parameter.shown);
  if (defaults.length === 1) return uses[0]!.parameter.shown;
  return defaults.map((mine) => `${namesOf(mine)} ${mine[0]!.parameter.shown}`).join("; ");
}

const namesOf = (uses: readonly Use[]) => uses.map(({ method }) => method).join(", ");

const valueUnder = (args: object, flag: string) => (args as Record<string, unknown>)[flag];

function parsed(flag: string, { kind }: Parameters[string], value: unknown): unknown {
  if (kind === "range") return parseRange(`--${flag}`, String(value));
  if (kind === "list") return parseList(flag, String(value));
  return value;
}

/** The names of lists are the method's to know. */
function parseList(flag: string, text: string): string | number[] {
  if (/^[a-z]+$/.test(text)) return text;
  const numbers = text.split(",").map((one) => one.trim());
  if (numbers.every((one) => /^\d+$/.test(one))) return numbers.map(Number);
  throw new UsageError(`--${flag} is ${JSON.stringify(text)}; expected numbers such as 0,2,4, or a name.`);
}
