/** One parameter of a method, said once: what it may be, what it is by default, what it means, its flag. */
import { z } from "zod";
import type { ByModel, Following } from "./fallback";
import { type MethodTarget, requireLayers } from "./target";

/**
 * `Given` is what a caller may write, `Kept` what stands in a method as plain data (null: known once a model is), `Sent`
 * what a worker gets.
 */
export interface Parameter<Given, Kept, Sent> {
  readonly given: z.ZodType<Given>;
  readonly kept: z.ZodType<Kept>;
  readonly sent: z.ZodType<Sent>;
  readonly fallback: { value: Kept } | Following<Kept>;
  /** What is sent for what is kept. @throws ParameterError */
  readonly resolve: (kept: Kept, target: MethodTarget, method: string) => Sent;
  readonly meaning: string;
  /** The default, for readers. */
  readonly shown: string;
  /** The name of its flag, where that is not the name in kebab case: some methods call different things alike. */
  readonly flag: string | undefined;
  /** What the flag takes. */
  readonly kind: "number" | "boolean" | "text" | "choice" | "range" | "list";
  /** The words that a choice allows; empty for other kinds. */
  readonly choices: readonly string[];
}

interface Common {
  meaning: string;
  flag?: string;
}

type WithDefault<Value> = Common & { default: Value | Following<Value> };
type Plain<Value> = Parameter<Value, Value, Value>;
type Waiting<Given, Value = Given> = Parameter<Given, Value | null, Value>;

/** Any finite number. */
export function number(options: Common & { default: ByModel<number> }): Waiting<number>;
export function number(options: WithDefault<number>): Plain<number>;
export function number(options: Common & { default: number | Following<number> | ByModel<number> }): unknown {
  return one(z.number(), "number", options);
}

/** A number above 0. */
export const positive = (options: WithDefault<number>) =>
  one(z.number().gt(0, "It must lie above 0"), "number", options) as Plain<number>;

/** A share, 0 to 1; 0 leaves the rule out. */
export const share = (options: WithDefault<number>) => {
  const error = "It is a share, 0 to 1 (0 = off)";
  return one(z.number().min(0, error).max(1, error), "number", options) as Plain<number>;
};

/** A share above 0, up to 1, which leaves the rule out. */
export const positiveShare = (options: WithDefault<number>) => {
  const error = "It is a share, above 0, up to 1";
  return one(z.number().gt(0, error).max(1, error), "number", options) as Plain<number>;
};

/** A whole number. */
export const integer = ({
  min,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: WithDefault<number> & { min: number; max?: number }) => {
  const schema = z.int().min(min, `It must be ${min} or more`);
  const bounded = max === Number.MAX_SAFE_INTEGER ? schema : schema.max(max, `It may be ${max} at most`);
  return one(bounded, "number", options) as Plain<number>;
};

export const boolean = (options: WithDefault<boolean>) =>
  one(z.boolean(), "boolean", options) as Plain<boolean>;

export const text = (options: WithDefault<string>) => one(z.string(), "text", options) as Plain<string>;

/** What the checkpoint itself says, unless the caller says otherwise; sent as null then. */
export function ofCheckpoint<Value>(
  plain: Plain<Value>,
): Parameter<Value | null, Value | null, Value | null> {
  const schema = plain.sent.nullable();
  return {
    ...plain,
    given: schema,
    kept: schema,
    sent: schema,
    fallback: { value: null },
    resolve: (kept) => kept,
    shown: "the checkpoint's",
  };
}

/** One of these words. */
export function choice<const Word extends string>(
  words: readonly [Word, ...Word[]],
  options: WithDefault<NoInfer<Word>>,
): Plain<Word> {
  return { ...one(z.enum(words), "choice", options), choices: words } as Plain<Word>;
}

/** Half-open range of decoder layers, `[start, end)`, counted from 0. */
export const LayerRange = z.tuple([z.int().min(0), z.int().min(0)]);

/** Half-open range of key positions in the expanded prompt (image placeholder already replaced), `[start, end)`. */
export const KeyRange = z.tuple([z.int().min(0), z.int().min(0)]);

type Range = [start: number, end: number];

/** A range of decoder layers, `[start, end)` counted from 0. */
export function layers(
  options: Partial<Common> & { default: ByModel<Range> },
): Waiting<readonly [start: number, end: number], Range> {
  const meaning = options.meaning ?? "decoder layers edited, [start, end) counted from 0";
  const range = one(LayerRange, "range", { ...options, meaning }) as Waiting<Range>;
  const resolve: (typeof range)["resolve"] = (kept, target, method) =>
    requireLayers(range.resolve(kept, target, method), target, method);
  return { ...range, resolve } as never;
}

/** Where the image tokens stand, `[start, end)` in the prompt: wherever the token ids say so, unless the caller gives them. */
export function imageKeys(): Parameter<readonly [start: number, end: number], Range | null, Range | null> {
  const schema = KeyRange.nullable();
  return {
    given: KeyRange as z.ZodType as never,
    kept: schema,
    sent: schema,
    fallback: { value: null },
    resolve: (kept) => kept,
    meaning: "positions of the image tokens, [start, end), where the token ids do not tell",
    shown: "by the token ids",
    flag: undefined,
    kind: "range",
    choices: [],
  };
}

/** A list of whole numbers, some known by name once a model is. */
export function named<const Name extends string>(
  names: Readonly<Record<Name, (target: MethodTarget) => number[]>>,
  options: Common & { default: NoInfer<Name> },
): Parameter<Name | readonly number[], Name | number[], number[]> {
  const sent = z.array(z.int().min(0));
  const known = Object.keys(names) as [Name, ...Name[]];
  const kept = z.union([z.enum(known), sent], {
    error: `It is ${known.join(", ")}, or a list of whole numbers`,
  }) as z.ZodType<Name | number[]>;
  return {
    given: kept as z.ZodType<Name | readonly number[]>,
    kept,
    sent,
    fallback: { value: options.default },
    resolve: (value, target) => (typeof value === "string" ? names[value](target) : value),
    meaning: options.meaning,
    shown: options.default,
    flag: options.flag,
    kind: "list",
    choices: [],
  };
}

function one<Value>(
  schema: z.ZodType<Value>,
  kind: Parameter<Value, Value, Value>["kind"],
  options: Common & { default: Value | Following<Value> | ByModel<Value> },
): Parameter<Value, Value | null, Value> {
  const { meaning, flag, default: fallback } = options;
  const common = { given: schema, sent: schema, meaning, flag, kind, choices: [] };
  if (isByModel(fallback)) {
    return {
      ...common,
      kept: schema.nullable(),
      fallback: { value: null },
      resolve: (kept, target, method) => kept ?? fallback.resolve(target, method),
      shown: fallback.shown,
    };
  }
  return {
    ...common,
    kept: schema as z.ZodType<Value | null>,
    fallback: isFollowing<Value>(fallback) ? fallback : { value: fallback },
    resolve: (kept) => kept as Value,
    shown: isFollowing(fallback) ? fallback.shown : String(fallback),
  };
}

function isByModel<Value>(value: Value | Following<Value> | ByModel<Value>): value is ByModel<Value> {
  return typeof value === "object" && value !== null && "resolve" in value;
}

function isFollowing<Value>(value: Value | Following<Value>): value is Following<Value> {
  return typeof value === "object" && value !== null && "follow" in value;
}
