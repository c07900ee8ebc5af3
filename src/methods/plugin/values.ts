import { z } from "zod";
import { ParameterError } from "../describe/refuse";
import { type PluginDeclaration, type PluginParameter, PluginValue } from "./declaration";

type Declaration = z.infer<typeof PluginDeclaration>;
type Parameter = z.infer<typeof PluginParameter>;

/** A value for each parameter that a plug-in method declares: the caller's, or the default. @throws ParameterError */
export function pluginValues(
  { name, parameters }: Declaration,
  given: Record<string, unknown>,
): Record<string, z.infer<typeof PluginValue>> {
  const stray = Object.keys(given).find((key) => !parameters.some((parameter) => parameter.name === key));
  if (stray !== undefined) {
    const known = parameters.map(describeParameter).join(", ") || "no parameters";
    throw new ParameterError(`${name} has no parameter "${stray}"; it has ${known}.`);
  }
  return Object.fromEntries(
    parameters.map((parameter) => {
      const value = given[parameter.name] ?? parameter.default;
      if (value === null) throw new ParameterError(`${name} needs ${describeParameter(parameter)}; give it.`);
      const parsed = valueSchema(parameter).safeParse(value);
      if (!parsed.success) {
        const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
        throw new ParameterError(
          `${name}: ${parameter.name} is ${shown}. ${parsed.error.issues[0]!.message}.`,
        );
      }
      return [parameter.name, PluginValue.parse(parsed.data)];
    }),
  );
}

/** The parameters with one changed: the engine's own, or one of the function's. undefined where there is none of this name. @throws ParameterError */
export function varyPlugin<P extends { name: string; values: Record<string, unknown> }>(
  parameters: P,
  name: string,
  value: unknown,
): P | undefined {
  const { values } = parameters;
  if (Object.hasOwn(values, name)) {
    const [was, is] = [typeof values[name], typeof value];
    if (was !== is) throw new ParameterError(`${parameters.name}: ${name} is a ${is}; a ${was} is needed.`);
    return { ...parameters, values: { ...values, [name]: value } };
  }
  const fixed = ["method", "name", "sha256", "values"];
  return Object.hasOwn(parameters, name) && !fixed.includes(name)
    ? { ...parameters, [name]: value }
    : undefined;
}

/** `alpha (float)`, `how (keep or drop)` */
export function describeParameter({ name, type, choices }: Parameter): string {
  return `${name} (${choices.join(" or ") || type})`;
}

/** What a parameter takes. */
export function valueSchema({ type, choices }: Parameter): z.ZodType {
  if (choices.length > 0) return z.enum(choices);
  return { float: z.number(), int: z.int(), bool: z.boolean(), str: z.string() }[type];
}
