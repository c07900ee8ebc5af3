/** An attention edit of the user's own: a decorated Python function (see `Plugin`), with what every edit may be told. */
import { z } from "zod";
import { aai } from "../attention";
import { fromLayer } from "../describe/fallback";
import { KeyRange, LayerRange } from "../describe/parameter";
import { checked, ParameterError } from "../describe/refuse";
import { type MethodTarget, requireLayers } from "../describe/target";
import { type PluginDeclaration, PluginValue } from "./declaration";
import { pluginValues } from "./values";

const { warmup, mode, normalisation } = aai.method.parameters;

/** An edit of the user's own, loaded by `loadPlugin`: `name` as its file declares it, the file told by its hash. */
export const PluginEditParameters = z
  .object({
    method: z.literal("plugin"),
    name: z.string(),
    sha256: z.string(),
    /** Its own parameters; those left out keep their defaults. */
    values: z.record(z.string(), PluginValue),
    layers: LayerRange,
    /** As for AAI. */
    warmup: warmup.sent,
    /** The mode of the vision reference, where it asks for one. */
    mode: mode.sent,
    normalisation: normalisation.sent,
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "PluginEditParameters" });

interface EditOptions {
  /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
  layers?: readonly [number, number];
  /** Edited once more than so many tokens are written. Default -1, from the first token on. */
  warmup?: number;
  /** The mode of the vision reference, where the function asks for one. Default "released". */
  mode?: "released" | "corrected";
  /** The normalisation of the vision reference, where the function asks for one. Default "mean". */
  normalisation?: "mean" | "clip" | "rank";
  /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
  imageKeys?: readonly [number, number];
  /** A reference of one's own, one value per image token, instead of the image's. */
  reference?: Float32Array;
}

/** The function's own parameters by their Python names, beside what the engine does with the edit. */
export type PluginEditOptions = EditOptions & {
  [parameter: string]: z.infer<typeof PluginValue> | EditOptions[keyof EditOptions];
};

const Unresolved = PluginEditParameters.extend({ layers: PluginEditParameters.shape.layers.nullable() });

/** A plug-in's edit as plain data; `layers: null` stands for "from layer 2 to the last". */
export interface PluginEdit {
  parameters: z.infer<typeof Unresolved>;
  reference?: Float32Array;
}

const everyLayer = fromLayer(2);

/** @throws ParameterError */
export function pluginEdit(
  declaration: z.infer<typeof PluginDeclaration>,
  sha256: string,
  options: PluginEditOptions,
): PluginEdit {
  const { name, takesReference } = declaration;
  const { layers, warmup = -1, mode, normalisation, imageKeys, reference, ...own } = options;
  const stray = Object.entries({ mode, normalisation, reference }).find(([, value]) => value !== undefined);
  if (stray !== undefined && !takesReference)
    throw new ParameterError(`${name} does not ask for the vision reference, so ${stray[0]} means nothing.`);
  const parameters = checkedEdit({
    method: "plugin",
    name,
    sha256,
    values: pluginValues(declaration, own),
    layers: layers ? [...layers] : null,
    warmup,
    mode: mode ?? "released",
    normalisation: normalisation ?? "mean",
    imageKeys: imageKeys ? [...imageKeys] : null,
  });
  return { parameters, ...(reference && { reference }) };
}

/** @throws ParameterError */
export function checkedEdit(parameters: z.infer<typeof Unresolved>): z.infer<typeof Unresolved> {
  return checked(parameters.name, Unresolved, parameters);
}

export function resolvePluginEdit(
  { parameters }: PluginEdit,
  target: MethodTarget,
): z.infer<typeof PluginEditParameters> {
  const { name, layers } = parameters;
  const range = layers ?? everyLayer.resolve(target, name);
  return { ...parameters, layers: requireLayers(range, target, name) };
}
