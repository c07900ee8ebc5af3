import type { z } from "zod";
import type { ContrastParameters } from "../../protocol/parameters";
import type { MethodTarget } from "../target";
import { resolveDeco } from "./deco";
import { resolveDola } from "./dola";
import type { Contrast } from "./index";

/** Fills in what depends on the model. @throws ParameterError */
export function resolveContrast(
  contrast: Contrast,
  target: MethodTarget,
): z.infer<typeof ContrastParameters> {
  switch (contrast.method) {
    case "dola":
      return resolveDola(contrast, target);
    case "deco":
      return resolveDeco(contrast, target);
    default:
      return contrast;
  }
}
