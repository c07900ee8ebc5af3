import type { z } from "zod";

/** A parameter outside what its method takes. */
export class ParameterError extends TypeError {
  override readonly name = "ParameterError";
}

/** `value` as the schema understands it. @throws ParameterError naming the method, the parameter, its value and what was expected. */
export function checked<Schema extends z.ZodType>(
  method: string,
  schema: Schema,
  value: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const given = issue.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown>)?.[key],
    value,
  );
  const name = issue.path.join(".");
  throw new ParameterError(`${method}: ${name} is ${show(given)}. ${issue.message}.`);
}

function show(value: unknown): string {
  return typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value);
}
