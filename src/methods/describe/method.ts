/** A method, described once: its factory, types, validation, resolution and message all follow from the description. */
import { z } from "zod";
import type { Parameter } from "./parameter";
import { checked, ParameterError } from "./refuse";
import type { MethodTarget } from "./target";

export type Axis = "attention" | "contrast" | "search";

// biome-ignore lint/suspicious/noExplicitAny: any parameter at all; `unknown` would refuse every one that takes something
export type Parameters = Readonly<Record<string, Parameter<any, any, any>>>;

/** What a method says of itself. */
export interface Description<Name extends string, P extends Parameters> {
  /** As in scripts, sweep files and on the command line; in snake case that of its two files. */
  name: Name;
  title: string;
  /** Paper or code that the formula and the defaults come from. */
  source: string;
  formula: string;
  parameters: P;
  /** What it works with, and what not. */
  combines: string;
  /** Whether every row needs an image. */
  needsImage: boolean;
  /** What is wrong with the parameters together, as a sentence without its full stop; undefined: nothing. */
  check?: ((values: Kept<Name, P>) => string | undefined) | undefined;
  /** Whether these parameters leave everything as it is; absent: none do. */
  isNeutral?: ((values: Kept<Name, P>) => boolean) | undefined;
}

/** What its caller may say, each parameter with the documentation that it has in the description. */
export type Options<P extends Parameters> = { [Key in keyof P]?: Given<P[Key]> };

/** The method as plain data; what is null is known once a model is. */
export type Kept<Name extends string, P extends Parameters> = { method: Name } & {
  -readonly [Key in keyof P]: P[Key] extends Parameter<infer _, infer Value, infer __> ? Value : never;
};

/** As a worker gets it. */
export type Sent<Name extends string, P extends Parameters> = { method: Name } & {
  -readonly [Key in keyof P]: P[Key] extends Parameter<infer _, infer __, infer Value> ? Value : never;
};

type Shape<Name extends string, P extends Parameters> = { method: z.ZodLiteral<Name> } & {
  -readonly [Key in keyof P]: P[Key]["sent"];
};

type Given<One> = One extends Parameter<infer Value, infer _, infer __> ? Value : never;

/** What every axis makes of a description. */
export interface Method<Name extends string, P extends Parameters> extends Description<Name, P> {
  axis: Axis;
  /** The message's schema. */
  schema: z.ZodObject<Shape<Name, P>>;
  /** @throws ParameterError */
  create(options: Options<P>): Kept<Name, P>;
  /** Fills in what depends on the model. @throws ParameterError */
  resolve(values: Kept<Name, P>, target: MethodTarget): Sent<Name, P>;
}

export function describe<const Name extends string, P extends Parameters>(
  axis: Axis,
  description: Description<Name, P>,
): Method<Name, P> {
  const { name, parameters, check } = description;
  const kept = schemaOf(name, parameters, "kept");
  return {
    ...description,
    axis,
    schema: schemaOf(name, parameters, "sent").meta({ id: `${pascal(name)}Parameters` }) as never,
    create: (options) => {
      const stray = Object.keys(options).find((key) => !(key in parameters));
      if (stray !== undefined)
        throw new ParameterError(
          `${name} has no parameter "${stray}"; it has ${Object.keys(parameters).join(", ")}.`,
        );
      const values = checked(name, kept, { method: name, ...withDefaults(parameters, options) });
      const complaint = check?.(values as Kept<Name, P>);
      if (complaint !== undefined) throw new ParameterError(`${name}: ${complaint}.`);
      return values as Kept<Name, P>;
    },
    resolve: (values, target) => {
      const given = values as Record<string, unknown>;
      const resolved = Object.entries(parameters).map(([key, { resolve }]) => [
        key,
        resolve(given[key], target, name),
      ]);
      return { method: name, ...Object.fromEntries(resolved) } as Sent<Name, P>;
    },
  };
}

function schemaOf(name: string, parameters: Parameters, which: "kept" | "sent") {
  const fields = Object.entries(parameters).map(([key, parameter]) => [
    key,
    (parameter[which] as z.ZodType).meta({ description: parameter.meaning }),
  ]);
  return z.object({ method: z.literal(name), ...(Object.fromEntries(fields) as Record<string, z.ZodType>) });
}

function withDefaults(
  parameters: Parameters,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, { fallback }] of Object.entries(parameters)) {
    const given = options[key];
    if (given !== undefined) values[key] = given;
    else values[key] = "follow" in fallback ? fallback.follow(values) : fallback.value;
  }
  return values;
}

const pascal = (name: string) => name[0]!.toUpperCase() + name.slice(1);
