import type { z } from "zod";
import type { AttentionParameters } from "../../protocol/parameters";
import type { MethodTarget } from "../target";
import { type Aai, resolveAai } from "./aai";
import { type Hgai, resolveHgai } from "./hgai";
import type { AttentionMethod } from "./index";
import { type Pai, resolvePai } from "./pai";
import { type PluginEdit, resolvePluginEdit } from "./plugin";
import { resolveVaf, type Vaf } from "./vaf";

/** Fills in what depends on the model. @throws ParameterError */
export function resolveAttention(
  method: AttentionMethod,
  target: MethodTarget,
): z.infer<typeof AttentionParameters> {
  switch (method.parameters.method) {
    case "aai":
      return resolveAai(method as Aai, target.layers);
    case "pai":
      return resolvePai(method as Pai, target);
    case "hgai":
      return resolveHgai(method as Hgai, target);
    case "vaf":
      return resolveVaf(method as Vaf, target);
    case "plugin":
      return resolvePluginEdit(method as PluginEdit, target);
  }
}
