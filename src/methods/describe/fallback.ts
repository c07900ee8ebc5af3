/** What a parameter is where its caller says nothing. */
import { ParameterError } from "./refuse";
import type { MethodTarget } from "./target";

/** Known once a model is: until then the parameter is null. */
export interface ByModel<Value> {
  /** @throws ParameterError where this model has no such default */
  resolve(target: MethodTarget, method: string): Value;
  /** As `aai methods`, `--help` and the docs tell it. */
  shown: string;
}

/** Follows from the other parameters. */
export interface Following<Value> {
  follow(others: Readonly<Record<string, unknown>>): Value;
  shown: string;
}

/** A value a model family, as its paper gives them. */
export function byFamily<Value>(values: Readonly<Record<string, Value>>, other: Value): ByModel<Value> {
  const listed = Object.entries(values).map(([family, value]) => `${family} ${value}`);
  return {
    resolve: ({ family }) => values[family] ?? other,
    shown: `${listed.join(", ")}, others ${other}`,
  };
}

type Range = [start: number, end: number];

/** All layers from this one to the last; the last alone where there are fewer. */
export function fromLayer(first: number): ByModel<Range> {
  return {
    resolve: ({ layers }) => [Math.min(first, layers - 1), layers],
    shown: `from layer ${first} to the last`,
  };
}

/** All published ranges are of decoders with so many layers. */
const publishedDepth = 32;

/** The published range as it is, refused where a model has fewer layers: it is never scaled in silence. */
export function published([start, end]: Range): ByModel<Range> {
  return {
    resolve: ({ layers }, method) => {
      if (end <= layers) return [start, end];
      const scaled = Math.floor((start * layers) / publishedDepth);
      const stop = Math.max(scaled + 1, Math.round((end * layers) / publishedDepth));
      throw new ParameterError(
        `${method}: its published layers [${start}, ${end}) are those of a decoder with ${publishedDepth} layers; this ` +
          `model has ${layers}. Give layers: the same share of them would be [${scaled}, ${stop}).`,
      );
    },
    shown: `[${start}, ${end}), refused where the decoder has fewer`,
  };
}
