/** A sweep as a YAML or JSON file: its schema, which `assets/sweep.schema.json` publishes for editors. */
import { z } from "zod";
import {
  AttentionParameters,
  ContrastParameters,
  DolaParameters,
  SearchParameters,
} from "../protocol/parameters";

/** A method by its name, or with the parameters that are not its defaults. */
function methodSpec(union: { options: readonly z.ZodObject[] }) {
  const names = union.options.map(({ shape }) => (shape.method as z.ZodLiteral<string>).value);
  const objects = union.options.map(({ shape: { method, ...shape } }) =>
    z.strictObject({
      method: method as z.ZodLiteral<string>,
      ...z.strictObject(loose(shape)).partial().shape,
    }),
  );
  return z.union([z.enum(names), ...objects]);
}

/** DoLa's layers may be "low" or "high". */
function loose(shape: Readonly<Record<string, unknown>>): Record<string, z.ZodType> {
  const { layers, ...rest } = shape as Record<string, z.ZodType>;
  if (layers === undefined) return rest;
  const named = layers === DolaParameters.shape.layers;
  return { ...rest, layers: named ? z.union([z.enum(["low", "high"]), layers]) : layers };
}

/** A file cannot load a plug-in: code is run where a script or a command line says so. */
const attentions = { options: AttentionParameters.options.filter(isBuiltIn) };
const contrasts = { options: ContrastParameters.options.filter(isBuiltIn) };

function isBuiltIn<T extends z.ZodObject>(option: T): boolean {
  return (option.shape.method as z.ZodLiteral<string>).value !== "plugin";
}

const none = z.literal("none");
const attention = z.union([none, methodSpec(attentions)]);
const contrast = z.union([none, methodSpec(contrasts)]);
const search = methodSpec(SearchParameters);

/** `start:end:step`, the end included. */
const rangeSpec = z.string().regex(/^-?[\d.e-]+:-?[\d.e-]+:-?[\d.e-]+$/, "Expected start:end:step");

/** A list, a constant, or for numbers a range. */
function axis(values: z.ZodType) {
  return z.union([values, z.array(values).min(1), rangeSpec]);
}

function parameterAxes(part: string, union: { options: readonly z.ZodObject[] }): Record<string, z.ZodType> {
  const values = new Map<string, z.ZodType[]>();
  for (const { shape } of union.options) {
    for (const [name, schema] of Object.entries(loose(shape))) {
      if (name !== "method") values.set(name, [...(values.get(name) ?? []), schema]);
    }
  }
  return Object.fromEntries([...values].map(([name, all]) => [`${part}.${name}`, axis(z.union(all))]));
}

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
    ...parameterAxes("search", SearchParameters),
  })
  .partial();

const base = z
  .strictObject({ attention, contrast, search, prompt: z.string(), template: z.string() })
  .partial();

const ids = z.union([z.string(), z.strictObject({ count: z.int().min(1), seed: z.int().min(0) })]);
const rounds = z.array(z.int().min(1));

export const SweepSpec = z.strictObject({
  $schema: z.string().optional(),
  /** Folder, hub id, or `demo`; several are swept one after another. */
  model: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  /** Default: the demo's images. */
  data: z
    .union([
      z.strictObject({
        captions: z.strictObject({
          images: z.string(),
          annotations: z.string().optional(),
          ids: ids.optional(),
        }),
      }),
      z.strictObject({
        pope: z.strictObject({
          images: z.string(),
          questions: z.array(z.string()).min(1),
          likelihood: z.boolean().optional(),
        }),
      }),
    ])
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

export type SweepSpec = z.infer<typeof SweepSpec>;
