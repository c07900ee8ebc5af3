import { ParameterError } from "./refuse";

/** What a value may depend on: the model's family and the number of its decoder layers. */
export interface MethodTarget {
  family: string;
  layers: number;
}

/** The range `[start, end)`, where this decoder has such layers. @throws ParameterError */
export function requireLayers(
  [start, end]: readonly [number, number],
  { layers }: MethodTarget,
  method: string,
): [start: number, end: number] {
  if (start < end && end <= layers) return [start, end];
  throw new ParameterError(
    `${method}: layers are [${start}, ${end}). This model's decoder has ${layers}: the start must lie below the end, and the ` +
      `end may be ${layers} at most.`,
  );
}
