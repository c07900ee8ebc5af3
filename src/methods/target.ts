import { ParameterError } from "./refuse";

/** What the defaults of a method may depend on: the model's family and the number of its decoder layers. */
export interface MethodTarget {
  family: string;
  layers: number;
}

/** All published layer ranges are of decoders with 32 layers. */
const PublishedDepth = 32;

/** The published range, kept as it is. @throws ParameterError, with the same share of this model's layers, where it has fewer. */
export function publishedLayers(
  method: string,
  [start, end]: [number, number],
  { layers }: MethodTarget,
): [number, number] {
  if (end <= layers) return [start, end];
  const scaled = Math.floor((start * layers) / PublishedDepth);
  const stop = Math.max(scaled + 1, Math.round((end * layers) / PublishedDepth));
  throw new ParameterError(
    `${method}: its published layers [${start}, ${end}) are those of a decoder with ${PublishedDepth} layers; this model ` +
      `has ${layers}. Give layers: the same share of them would be [${scaled}, ${stop}).`,
  );
}
