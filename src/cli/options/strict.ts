import type { Options } from "yargs";
import { UsageError } from "../exit";

/** An option, and what its numbers must be beside finite. */
export interface Flag extends Options {
  whole?: boolean;
  min?: number;
}

/**
 * The options as yargs gets them, so that none is misread in silence: a value is given, once, and is one that the option can
 * have; a switch takes none. Left to itself yargs reads `--alpha` without a value as no alpha at all, `--json=yes` as false,
 * and `--image a --image b` as a list.
 */
export function strict<Table extends Readonly<Record<string, Flag>>>(table: Table): Table {
  const entries = Object.entries(table).map(([name, flag]) => [name, strictOption(`--${name}`, flag)]);
  return Object.fromEntries(entries) as Table;
}

/** The same for one positional argument. */
export function strictPositional<One extends Flag>(name: string, option: One): One {
  return strictOption(`<${name}>`, option) as One;
}

function strictOption(name: string, option: Flag): Options {
  const { whole: _, min: __, ...known } = option;
  if (option.type === "boolean") return { ...known, nargs: 0 };
  const check = (value: unknown) => {
    if (value === undefined) return value;
    if (option.array)
      return (value as unknown[]).length === 0 ? refuse(name, option) : (value as unknown[]).map(one);
    if (!Array.isArray(value)) return one(value);
    throw new UsageError(`${name} is given ${value.length} times (${value.join(", ")}); give it once.`);
  };
  const one = (value: unknown) => checkedValue(name, option, value);
  // As a string even where it is a number, which the help says all the same: what was typed is needed to check it.
  return { ...known, string: true, requiresArg: true, coerce: check };
}

/** A default is no string where the option is a number, and needs no check. */
function checkedValue(name: string, option: Flag, value: unknown): unknown {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return refuse(name, option);
  if (option.choices && !option.choices.includes(value)) return refuse(name, option, value);
  if (option.type !== "number") return value;
  const number = Number(value);
  const { whole = false, min = Number.NEGATIVE_INFINITY } = option;
  const fits = Number.isFinite(number) && number >= min && (!whole || Number.isSafeInteger(number));
  return fits ? number : refuse(name, option, value);
}

function refuse(name: string, option: Flag, value?: string): never {
  const given = value === undefined ? "has no value" : `is ${JSON.stringify(value)}`;
  throw new UsageError(`${name} ${given}; expected ${expected(option)}.`);
}

function expected({ choices, type, whole, min }: Flag): string {
  if (choices) return `one of ${choices.join(", ")}`;
  if (type !== "number") return "a text that is not empty";
  return `a ${whole ? "whole " : ""}number${min === undefined ? "" : ` of at least ${min}`}`;
}
