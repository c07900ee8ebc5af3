/** How settings are called in names, tables and figures. */
import { attentions, contrasts, none, searches } from "../methods";

/** "alpha " for `attention.alpha`; whole methods speak for themselves. */
export function pathLabel(path: string): string {
  if (["attention", "contrast", "search", "checkpoint"].includes(path)) return "";
  return `${path.replace(/^attention\./, "")} `;
}

/** A value of an axis: `2-32` for a range of layers, a method by its name and what is not its default. */
export function label(value: unknown): string {
  if (value === undefined || value === none) return "plain";
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one === "number")) return value.join("-");
    return value.map(label).join(" + ");
  }
  if (typeof value !== "object" || value === null) return String(value);
  const parameters = "parameters" in value ? (value.parameters as object) : value;
  return "method" in parameters ? methodLabel(parameters as Parameters) : JSON.stringify(value);
}

type Parameters = { method: string } & Record<string, unknown>;

function methodLabel({ method, ...parameters }: Parameters): string {
  const usual = defaultsOf(method);
  const unusual = Object.entries(parameters).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]),
  );
  return [method, ...unusual.map(([name, value]) => `${name} ${label(value)}`)].join(" ");
}

function defaultsOf(method: string): Record<string, unknown> {
  const factories: Record<string, () => object> = { ...attentions, ...contrasts, ...searches };
  const made = factories[method]?.() ?? {};
  return ("parameters" in made ? made.parameters : made) as Record<string, unknown>;
}
