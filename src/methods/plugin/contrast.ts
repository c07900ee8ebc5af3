/** A contrast of the user's own: a decorated Python function (see `Plugin`). */
import { z } from "zod";
import { vcd } from "../contrast";
import { checked, ParameterError } from "../describe/refuse";
import { type PluginDeclaration, PluginValue } from "./declaration";
import { pluginValues } from "./values";

const { noiseStep, seed } = vcd.method.parameters;

/** A contrast of the user's own; see `PluginEditParameters`. The noise is that of its second stream, where it is a noisy image. */
export const PluginContrastParameters = z
  .object({
    method: z.literal("plugin"),
    name: z.string(),
    sha256: z.string(),
    values: z.record(z.string(), PluginValue),
    noiseStep: noiseStep.sent,
    noiseSeed: seed.sent,
  })
  .meta({ id: "PluginContrastParameters" });

interface NoiseOptions {
  /** Where the second stream is a noisy image: step 0 to 999 of VCD's noise schedule. Default 500. */
  noiseStep?: number;
  /** The seed of that noise. Default 42. */
  noiseSeed?: number;
}

/** The function's own parameters by their Python names, beside those of its second stream. */
export type PluginContrastOptions = NoiseOptions & {
  [parameter: string]: z.infer<typeof PluginValue> | undefined;
};

export type PluginContrast = z.infer<typeof PluginContrastParameters>;

/** @throws ParameterError */
export function pluginContrast(
  declaration: z.infer<typeof PluginDeclaration>,
  sha256: string,
  options: PluginContrastOptions,
): PluginContrast {
  const { name, stream } = declaration;
  const { noiseStep, noiseSeed, ...own } = options;
  const stray = Object.entries({ noiseStep, noiseSeed }).find(([, value]) => value !== undefined);
  if (stray !== undefined && stream !== "noisyImage")
    throw new ParameterError(
      `${name} has no noisy image as its second stream, so ${stray[0]} means nothing.`,
    );
  return checkedContrast({
    method: "plugin",
    name,
    sha256,
    values: pluginValues(declaration, own),
    noiseStep: noiseStep ?? 500,
    noiseSeed: noiseSeed ?? 42,
  });
}

/** @throws ParameterError */
export function checkedContrast(parameters: PluginContrast): PluginContrast {
  return checked(parameters.name, PluginContrastParameters, parameters);
}
