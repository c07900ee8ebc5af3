import type { z } from "zod";
import { checked, ParameterError } from "../refuse";

/** Parameters as their schema understands them, `beta` a share. @throws ParameterError */
export function checkedContrast<Schema extends z.ZodType>(
  schema: Schema,
  value: { method: string; beta?: number } & Record<string, unknown>,
): z.infer<Schema> {
  const parameters = checked(value.method, schema, value);
  if (value.beta !== undefined && !(value.beta >= 0 && value.beta <= 1))
    throw new ParameterError(`${value.method}: beta is ${value.beta}. It is a share, 0 to 1 (0 = off).`);
  return parameters;
}
