/** The types of a space: which parameters a method has, and what values they take, known to the compiler. */
import type {
  Aai,
  AaiOptions,
  ApcOnly,
  ApcOnlyOptions,
  Attention,
  Beam,
  BeamOptions,
  Contrast,
  Deco,
  DecoOptions,
  Dola,
  DolaOptions,
  Greedy,
  GreedyOptions,
  Hgai,
  HgaiOptions,
  Icd,
  IcdOptions,
  M3id,
  M3idOptions,
  none,
  Opera,
  OperaOptions,
  Pai,
  PaiCfg,
  PaiCfgOptions,
  PaiOptions,
  PluginContrast,
  PluginContrastOptions,
  PluginEdit,
  SampleOptions,
  Sampling,
  Search,
  Sid,
  SidOptions,
  Vaf,
  VafOptions,
  Vcd,
  VcdOptions,
} from "../methods";

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
  /** Of sampling, the same as `search.seed`. */
  readonly seed?: Extract<S, Sampling> extends never ? never : Axis<number>;
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

type AttentionOptions<A> = A extends Aai
  ? Omit<AaiOptions, "reference">
  : A extends Pai
    ? PaiOptions
    : A extends Hgai
      ? HgaiOptions
      : A extends Vaf
        ? VafOptions
        : A extends PluginEdit
          ? OwnEditOptions
          : never;

/** Which parameters a function of the user's own has is known at run time only. */
type OwnEditOptions = Record<string, number | boolean | string | readonly [number, number]>;

type ContrastOptions<C> = C extends Vcd
  ? VcdOptions
  : C extends ApcOnly
    ? ApcOnlyOptions
    : C extends M3id
      ? M3idOptions
      : C extends PaiCfg
        ? PaiCfgOptions
        : C extends Icd
          ? IcdOptions
          : C extends Dola
            ? DolaOptions
            : C extends Deco
              ? DecoOptions
              : C extends Sid
                ? SidOptions
                : C extends PluginContrast
                  ? PluginContrastOptions
                  : never;

type SearchOptions<S> = S extends Greedy
  ? GreedyOptions
  : S extends Sampling
    ? SampleOptions
    : S extends Beam
      ? BeamOptions
      : S extends Opera
        ? OperaOptions
        : never;
