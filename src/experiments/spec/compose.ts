import { join } from "node:path";
import { packageRoot } from "../../base/package_root";
import { type BenchmarkData, benchmarks } from "../../benchmarks";
import {
  type Attention,
  attentions,
  type Contrast,
  contrasts,
  none,
  type Plugin,
  type Search,
  searches,
} from "../../methods";
import { halving } from "../schedule/halving";
import { racing } from "../schedule/racing";
import { everything, type Scheduler } from "../schedule/scheduler";
import { range } from "../space/range";
import type { Settings } from "../space/settings";
import { type Base, type Space, space } from "../space/space";
import type { SweepSpec } from "./spec";

type AnySpace = Space<Attention, Contrast | typeof none, Search>;

/** @param plugins whose methods the file may name. @returns the space that a file describes. @throws ParameterError */
export function composeSpace(
  spec: SweepSpec,
  checkpoints: readonly string[],
  plugins: readonly Plugin[] = [],
): AnySpace {
  const methods = methodsOf(plugins);
  let composed: AnySpace = space({
    ...baseOf(methods, spec.base ?? {}),
    ...(checkpoints.length === 1 && { checkpoint: checkpoints[0]! }),
  });
  if (checkpoints.length > 1) composed = composed.grid({ checkpoint: checkpoints });
  if (spec.grid) composed = composed.grid(axesOf(methods, spec.grid));
  if (spec.zip) composed = composed.zip(axesOf(methods, spec.zip));
  for (const { axes, ...condition } of spec.when ?? []) {
    composed = composed.when((settings) => holds(condition, settings), axesOf(methods, axes));
  }
  if (spec.random) composed = composed.random(spec.random.count, spec.random.seed);
  const named = Object.entries(spec.cells ?? {}).map(([name, changes]) => [name, baseOf(methods, changes)]);
  return named.length > 0 ? composed.named(Object.fromEntries(named)) : composed;
}

/** @throws DataError */
export function composeData({ data }: SweepSpec): BenchmarkData {
  const demo = join(packageRoot(), "demo", "data");
  const given = data ?? {
    captions: { images: join(demo, "val2014"), annotations: join(demo, "annotations"), ids: "demo" },
  };
  const [name, options] = Object.entries(given)[0]!;
  const source = Object.values(benchmarks).find((benchmark) => benchmark.data.name === name)!.data;
  return source.items(defined(options));
}

/** @throws ParameterError */
export function composeScheduler({ scheduler = "everything" }: SweepSpec): Scheduler {
  if (scheduler === "everything") return everything;
  if (scheduler === "racing") return racing();
  if (scheduler === "halving") return halving();
  return "racing" in scheduler ? racing(defined(scheduler.racing)) : halving(defined(scheduler.halving));
}

/** By name, what makes a method of parameters. */
type Factories = Record<string, (parameters: object) => unknown>;
type Methods = Record<"attention" | "contrast" | "search", Factories>;

function methodsOf(plugins: readonly Plugin[]): Methods {
  const own = (axis: "attention" | "contrast") =>
    plugins.flatMap((plugin) =>
      plugin.declarations
        .filter((one) => one.axis === axis)
        .map(({ name }) => [name, (parameters: object) => plugin[axis](name, parameters as never)] as const),
    );
  return {
    attention: { ...(attentions as Factories), ...Object.fromEntries(own("attention")) },
    contrast: { ...(contrasts as Factories), ...Object.fromEntries(own("contrast")) },
    search: searches as Factories,
  };
}

function baseOf(
  methods: Methods,
  { attention, contrast, search, ...texts }: NonNullable<SweepSpec["base"]>,
): Base {
  return defined({
    ...texts,
    ...(attention !== undefined && { attention: methodOf(methods.attention, attention) as Attention }),
    ...(contrast !== undefined && { contrast: methodOf(methods.contrast, contrast) as Contrast }),
    ...(search !== undefined && { search: methodOf(methods.search, search) as Search }),
  });
}

function axesOf(methods: Methods, axes: object): object {
  const entries = Object.entries(axes).filter(([, values]) => values !== undefined);
  return Object.fromEntries(
    entries.map(([path, values]) => {
      const factories = path in methods ? methods[path as keyof Methods] : undefined;
      return [
        path,
        factories ? (values as unknown[]).map((value) => methodOf(factories, value)) : listOf(path, values),
      ];
    }),
  );
}

/** `start:end:step` is a range; layers alone, `[2, 32]`, are a constant. */
function listOf(path: string, values: unknown): unknown {
  if (typeof values === "string" && /^-?[\d.e-]+(:-?[\d.e-]+){2}$/.test(values)) {
    const [start, end, step] = values.split(":").map(Number) as [number, number, number];
    return range(start, end, step);
  }
  const isRange = path.endsWith(".layers") && Array.isArray(values) && typeof values[0] === "number";
  return isRange ? [values] : values;
}

/** A name, a name with parameters, or edits in order. */
function methodOf(factories: Factories, value: unknown): unknown {
  if (value === none) return none;
  if (Array.isArray(value)) return value.map((one) => methodOf(factories, one));
  const { method, ...parameters } =
    typeof value === "string" ? { method: value } : (value as { method: string });
  return factories[method]!(parameters);
}

function holds(
  condition: { attention?: string | undefined; contrast?: string | undefined; search?: string | undefined },
  settings: Settings,
): boolean {
  const names: Record<string, string> = {
    attention: nameOf(settings.attention),
    contrast: nameOf(settings.contrast),
    search: nameOf(settings.search),
  };
  return Object.entries(condition).every(([axis, name]) => name === undefined || names[axis] === name);
}

function nameOf(method: unknown): string {
  if (typeof method !== "object" || method === null || Array.isArray(method)) return none;
  const parameters = "parameters" in method ? method.parameters : method;
  const { method: known, name } = parameters as { method: string; name?: string };
  return known === "plugin" ? name! : known;
}

type Defined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> };

function defined<Value extends object>(value: Value): Defined<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<Value>;
}
