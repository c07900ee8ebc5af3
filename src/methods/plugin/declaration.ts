/** What a Python file of the user's own declares, as a worker tells it. */
import { z } from "zod";

/** The values that a parameter of a plug-in may have. */
export const PluginValue = z.union([z.boolean(), z.int(), z.number(), z.string()]);

export const PluginParameter = z
  .object({
    name: z.string(),
    type: z.enum(["float", "int", "bool", "str"]),
    /** The texts it may be; empty = any. */
    choices: z.array(z.string()),
    /** null = it must be given. */
    default: PluginValue.nullable(),
  })
  .meta({ id: "PluginParameter" });

/** One method that a plug-in file declares. */
export const PluginDeclaration = z
  .object({
    axis: z.enum(["attention", "contrast"]),
    name: z.string(),
    /** First paragraph of its docstring. */
    summary: z.string(),
    parameters: z.array(PluginParameter),
    /** Whether an edit asks for the vision reference. */
    takesReference: z.boolean(),
    /** What a contrast contrasts with. */
    stream: z.enum(["none", "imageFree", "noisyImage"]),
  })
  .meta({ id: "PluginDeclaration" });

export const LoadedPlugin = z
  .object({ sha256: z.string(), declarations: z.array(PluginDeclaration) })
  .meta({ id: "LoadedPlugin" });
