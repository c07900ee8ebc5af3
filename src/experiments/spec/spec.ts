/** A sweep as a YAML or JSON file: its schema, which `assets/sweep.schema.json` publishes for editors. */
import { z } from "zod";
import { benchmarks } from "../../benchmarks";
import { none } from "../../methods";
import type { Axis } from "../../methods/describe/method";
import { PluginContrastParameters, type PluginDeclaration, PluginEditParameters } from "../../methods/plugin";
import { valueSchema } from "../../methods/plugin/values";
import { methods } from "../../methods/registry";

type Declaration = z.infer<typeof PluginDeclaration>;

export type SweepSpec = z.infer<ReturnType<typeof sweepSpec>>;

/**
 * @param own methods of the user's own, which stand beside the built-in ones. The file itself cannot load any: code is run
 * where a script or a command line says so.
 */
export function sweepSpec(own: readonly Declaration[] = []) {
  const attentions = methodsOf("attention", own);
  const contrasts = methodsOf("contrast", own);
  const searches = methodsOf("search");
  const attention = methodSpec(attentions, [none]);
  const contrast = methodSpec(contrasts, [none]);
  const search = methodSpec(searches);

  const axes = z
    .strictObject({
      attention: z.array(z.union([attention, z.array(attention)])),
      contrast: z.array(contrast),
      search: z.array(search),
      prompt: axis(z.string()),
      template: axis(z.string()),
      seed: axis(z.int()),
      ...parameterAxes("attention", attentions),
      ...parameterAxes("contrast", contrasts),
      ...parameterAxes("search", searches),
    })
    .partial();

  const base = z
    .strictObject({ attention, contrast, search, prompt: z.string(), template: z.string() })
    .partial();

  return z.strictObject({
    $schema: z.string().optional(),
    /** Folder, hub id, or `demo`; several are swept one after another. */
    model: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    /** Default: the demo's images. */
    data: z
      .union(Object.values(benchmarks).map(({ data }) => z.strictObject({ [data.name]: data.options })))
      .optional(),
    /** What every cell has where no axis says otherwise. */
    base: base.optional(),
    /** Every combination of these. */
    grid: axes.optional(),
    /** Side by side: the first of each, then the second of each. */
    zip: axes.optional(),
    /** Axes for the cells with these methods only. */
    when: z
      .array(
        z.strictObject({
          attention: z.string().optional(),
          contrast: z.string().optional(),
          search: z.string().optional(),
          axes,
        }),
      )
      .optional(),
    /** A seeded choice from the cells so far. */
    random: z.strictObject({ count: z.int().min(1), seed: z.int().min(0) }).optional(),
    /** Cells with names of their own. */
    cells: z.record(z.string(), base).optional(),
    /** Name of the cell that all of its model are compared with, or names; otherwise each with the plain one of its search and prompt. */
    baseline: z.union([z.string(), z.array(z.string())]).optional(),
    scheduler: z
      .union([
        z.enum(["everything", "racing", "halving"]),
        z.strictObject({
          racing: z.strictObject({ figure: z.string(), level: z.number(), rounds }).partial(),
        }),
        z.strictObject({
          halving: z.strictObject({ figure: z.string(), keep: z.number(), rounds }).partial(),
        }),
      ])
      .optional(),
    /** The sweep's folder. */
    out: z.string().optional(),
  });
}

const rounds = z.array(z.int().min(1));

/** The parameters of every method of an axis, its name as `method` among them. */
function methodsOf(axis: Axis, own: readonly Declaration[] = []): z.ZodObject[] {
  const builtIn = methods
    .filter((method) => method.axis === axis)
    .map(({ name, parameters }) => {
      const given = Object.entries(parameters).map(([key, { given, meaning }]) => [
        key,
        given.meta({ description: meaning }),
      ]);
      return z.object({ method: z.literal(name), ...Object.fromEntries(given) });
    });
  return [...builtIn, ...own.filter((one) => one.axis === axis).map(ownMethod)];
}

/** The parameters that every plug-in takes stand beside its own. */
function ownMethod({ axis, name, parameters }: Declaration): z.ZodObject {
  const { shape } = axis === "attention" ? PluginEditParameters : PluginContrastParameters;
  const { name: _, sha256: __, values: ___, ...common } = shape;
  const values = parameters.map((parameter) => [parameter.name, valueSchema(parameter)]);
  return z.object({ ...common, ...Object.fromEntries(values), method: z.literal(name) });
}

/** A method by its name, or with the parameters that are not its defaults. @param nothing the word for none, where there may be none */
function methodSpec(methods: readonly z.ZodObject[], nothing: readonly string[] = []) {
  const names = methods.map(({ shape }) => (shape.method as z.ZodLiteral<string>).value);
  const objects = methods.map(({ shape: { method, ...shape } }) =>
    z.strictObject({
      method: method as z.ZodLiteral<string>,
      ...z.strictObject(shape).partial().shape,
    }),
  );
  const all = [...nothing, ...names];
  const advice = nothing.length > 0 ? "; one of your own needs --plugin FILE" : "";
  const error = `Expected one of ${all.join(", ")}${advice}`;
  const [first, ...others] = objects;
  return z.union([z.enum(all, { error }), z.discriminatedUnion("method", [first!, ...others], { error })]);
}

/** `start:end:step`, the end included. */
const rangeSpec = z.string().regex(/^-?[\d.e-]+:-?[\d.e-]+:-?[\d.e-]+$/, "Expected start:end:step");

/** A list, a constant, or for numbers a range. */
function axis(values: z.ZodType) {
  return z.union([values, z.array(values).min(1), rangeSpec]);
}

function parameterAxes(part: string, methods: readonly z.ZodObject[]): Record<string, z.ZodType> {
  const values = new Map<string, z.ZodType[]>();
  for (const { shape } of methods) {
    for (const [name, schema] of Object.entries(shape as Record<string, z.ZodType>)) {
      if (name !== "method") values.set(name, [...(values.get(name) ?? []), schema]);
    }
  }
  return Object.fromEntries([...values].map(([name, all]) => [`${part}.${name}`, axis(z.union(all))]));
}
