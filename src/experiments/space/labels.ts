/** How settings are called in names, tables and figures. */
import { attentions, contrasts, none, searches } from "../../methods";

/** "alpha " for `attention.alpha`; whole methods speak for themselves. */
export function pathLabel(path: string): string {
  if (["attention", "contrast", "search", "checkpoint"].includes(path)) return "";
  return `${path.replace(/^attention\./, "")} `;
}

/**
 * A value of an axis: `2-32` for a range of layers, a method by its name and what is not its default.
 * @param omit parameters that another axis tells
 */
export function label(value: unknown, omit: readonly string[] = []): string {
  if (value === undefined || value === none) return "plain";
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one === "number")) return value.join("-");
    return value.map((one) => label(one)).join(" + ");
  }
  if (typeof value !== "object" || value === null) return String(value);
  const parameters = "parameters" in value ? (value.parameters as object) : value;
  return "method" in parameters ? methodLabel(parameters as Parameters, omit) : JSON.stringify(value);
}

type Parameters = { method: string } & Record<string, unknown>;

function methodLabel({ method, ...parameters }: Parameters, omit: readonly string[]): string {
  const [name, given, usual] =
    method === "plugin" ? plugin(parameters) : [method, parameters, defaultsOf(method)];
  const unusual = Object.entries(given).filter(
    ([key, value]) => !omit.includes(key) && JSON.stringify(value) !== JSON.stringify(usual[key]),
  );
  return [name, ...unusual.map(([key, value]) => `${key} ${label(value)}`)].join(" ");
}

/** Its own parameters all, since their defaults are in its file; of the engine's, the layers where they are given. */
function plugin({ name, values, layers = null }: Record<string, unknown>) {
  return [
    String(name),
    { ...(values as object), layers },
    { layers: null } as Record<string, unknown>,
  ] as const;
}

function defaultsOf(method: string): Record<string, unknown> {
  const factories: Record<string, () => object> = { ...attentions, ...contrasts, ...searches };
  const made = factories[method]?.() ?? {};
  return ("parameters" in made ? made.parameters : made) as Record<string, unknown>;
}
