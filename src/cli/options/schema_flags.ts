/** Flags of options that a schema describes. */
import { z } from "zod";
import { UsageError } from "../exit";
import type { Flag } from "./strict";

interface Property {
  type?: string;
  enum?: string[];
  description?: string;
  anyOf?: { type?: string }[];
}

/** One flag an option, with the description that it has in the schema. @param optional options that need not be given here */
export function schemaFlags(
  schema: z.ZodObject,
  group: string,
  optional: readonly string[] = [],
): Record<string, Flag> {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input" });
  return Object.fromEntries(
    Object.entries(properties as Record<string, Property>).map(([name, property]) => {
      const demandOption = required.includes(name) && !optional.includes(name);
      const flag = { ...typeOf(property), describe: property.description ?? "", group };
      return [flagOf(name), demandOption ? { ...flag, demandOption } : flag];
    }),
  );
}

/** What the flags say, as the schema has it. @throws UsageError */
export function schemaValues(schema: z.ZodObject, args: object): Record<string, unknown> {
  const given = Object.keys(schema.shape)
    .map((name) => [name, (args as Record<string, unknown>)[flagOf(name)]] as const)
    .filter(([, value]) => value !== undefined && value !== false);
  const { data, error } = schema.partial().safeParse(Object.fromEntries(given));
  if (data) return data;
  const { path, message } = error.issues[0]!;
  throw new UsageError(`--${flagOf(String(path[0]))}: ${message}.`);
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function typeOf({ type, enum: choices, anyOf }: Property): Flag {
  if (choices) return { choices };
  if (type === "boolean") return { type: "boolean" };
  if (type === "array") return { type: "string", array: true };
  if (type === "number" || type === "integer") return { type: "number" };
  if (type === "string" || anyOf?.some((one) => one.type === "string")) return { type: "string" };
  throw new Error(`No flag can say what is of type ${type}.`);
}
