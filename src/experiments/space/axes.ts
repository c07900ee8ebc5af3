/** The types of a space: which parameters a method has, and what values they take, known to the compiler. */
import type { Attention, Contrast, none, Search } from "../../methods";
import type { PluginContrastOptions } from "../../methods/plugin";
import type { attentions, contrasts, OptionsOf, searches } from "../../methods/registry";

/** The values a parameter takes in turn; one that is no list is a constant. */
export type Axis<Value> = readonly Value[] | (Value extends readonly unknown[] ? never : Value);

/** Every axis over settings whose methods are among these. */
export type Axes<A extends Attention, C extends Contrast | typeof none, S extends Search> = WholeAxes<
  A,
  C,
  S
> &
  ParameterAxes<"attention", AttentionOptions<A>> &
  ParameterAxes<"contrast", ContrastOptions<C>> &
  ParameterAxes<"search", SearchOptions<S>>;

interface WholeAxes<A, C, S> {
  /** Whole edits, `none`, or several edits in order as one list. */
  readonly attention?: readonly A[];
  readonly contrast?: readonly C[];
  readonly search?: readonly S[];
  readonly prompt?: Axis<string>;
  readonly template?: Axis<string>;
  /** Folders or hub ids; only where the sweep has `workers`, which load them. */
  readonly checkpoint?: Axis<string>;
  /** The seed of sampling, the same as `search.seed`. */
  readonly seed?: Extract<S, { method: "sample" }> extends never ? never : Axis<number>;
}

type ParameterAxes<Part extends string, Options> = {
  readonly [Name in KeysOf<Options> as `${Part}.${Name}`]?: Axis<ValueOf<Options, Name>>;
};

type KeysOf<Options> = Options extends unknown ? keyof Options & string : never;
type ValueOf<Options, Name> = Options extends unknown
  ? Name extends keyof Options
    ? Exclude<Options[Name], undefined>
    : never
  : never;

type AttentionOptions<A> = A extends { parameters: { method: infer Name } }
  ? Name extends keyof OptionsOf<typeof attentions>
    ? OptionsOf<typeof attentions>[Name]
    : OwnEditOptions
  : never;

/** Which parameters a function of the user's own has is known at run time only. */
type OwnEditOptions = Record<string, number | boolean | string | readonly [number, number]>;

type ContrastOptions<C> = C extends { method: infer Name }
  ? Name extends keyof OptionsOf<typeof contrasts>
    ? OptionsOf<typeof contrasts>[Name]
    : PluginContrastOptions
  : never;

type SearchOptions<S> = S extends { method: infer Name }
  ? Name extends keyof OptionsOf<typeof searches>
    ? OptionsOf<typeof searches>[Name]
    : never
  : never;
