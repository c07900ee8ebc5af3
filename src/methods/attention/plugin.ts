/** An attention edit of the user's own: a decorated Python function (see `Plugin`), with what every edit may be told. */
import type { z } from "zod";
import type { PluginDeclaration } from "../../protocol/messages";
import { PluginEditParameters, type PluginValue } from "../../protocol/parameters";
import { pluginValues } from "../plugin_values";
import { checked, ParameterError } from "../refuse";
import type { MethodTarget } from "../target";

interface EditOptions {
  /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
  layers?: readonly [number, number];
  /** Edited once more than so many tokens are written. Default -1, from the first token on. */
  warmup?: number;
  /** Of the vision reference, where the function asks for one. Default "seed". */
  mode?: "seed" | "corrected";
  /** Of the vision reference, where the function asks for one. Default "mean". */
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
  reference: Float32Array | undefined;
}

const FirstLayer = 2;

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
    mode: mode ?? "seed",
    normalisation: normalisation ?? "mean",
    imageKeys: imageKeys ? [...imageKeys] : null,
  });
  return { parameters, reference };
}

/** @throws ParameterError */
export function checkedEdit(parameters: z.infer<typeof Unresolved>): z.infer<typeof Unresolved> {
  return checked(parameters.name, Unresolved, parameters);
}

export function resolvePluginEdit(
  { parameters }: PluginEdit,
  { layers }: MethodTarget,
): z.infer<typeof PluginEditParameters> {
  return { ...parameters, layers: parameters.layers ?? [Math.min(FirstLayer, layers - 1), layers] };
}
