/**
 * What a caller may ask the worker to do to attention, to the search, and what to bring back. Every method's message is made
 * of its description in `src/methods`; all values are explicit here, defaults belong there.
 *
 * `z.int()` and `z.number()` are kept apart on purpose: the Python types are generated from here, and msgpack
 * would otherwise blur 1 and 1.0.
 */
import { z } from "zod";
import { PluginContrastParameters, PluginEditParameters } from "../methods/plugin";
import { attentions, contrasts, schemasOf, searches } from "../methods/registry";

/** Every attention method, told apart by `method`. */
export const AttentionParameters = z.discriminatedUnion("method", [
  PluginEditParameters,
  ...schemasOf(attentions),
]);

/** One attention edit of a row. `reference` is the index of a float32 array frame, or null to extract it from the image. */
export const AttentionEdit = z
  .object({ parameters: AttentionParameters, reference: z.int().nullable() })
  .meta({ id: "AttentionEdit" });

/** Every search, told apart by `method`. */
export const SearchParameters = z.discriminatedUnion("method", nonEmpty(schemasOf(searches)));

/** Every contrast, told apart by `method`. */
export const ContrastParameters = z.discriminatedUnion("method", [
  PluginContrastParameters,
  ...schemasOf(contrasts),
]);

/** Which decoder attention comes back with the tokens. */
export const CapturePolicy = z
  .object({
    /** null = all decoder layers. */
    layers: z.array(z.int().min(0)).nullable(),
    heads: z.enum(["mean", "all", "chosen"]),
    /** Read when `heads` is "chosen". */
    chosenHeads: z.array(z.int().min(0)),
    /** The keys kept: image tokens only, or every key of the row (padding left out). */
    keys: z.enum(["image", "all"]),
    /** null = every step; otherwise only the steps whose token belongs to one of these words (lower case). */
    words: z.array(z.string()).nullable(),
    dtype: z.enum(["float16", "float32"]),
  })
  .meta({ id: "CapturePolicy" });

/** `template`: "chat" = the checkpoint's own, "raw" = the text as given with `<image>` in it, else a named template. */
export const Prompt = z.object({ text: z.string(), template: z.string() }).meta({ id: "Prompt" });

/** One image and one prompt: prefilled once, however many rows share it. `image` is the index of a uint8 array frame. */
export const Sample = z.object({ image: z.int().nullable(), prompt: Prompt }).meta({ id: "Sample" });

/** One answer to write. */
export const Row = z
  .object({
    sample: z.int().min(0),
    /** Edits in order, [] for none, null for the hooks installed on the model. */
    attention: z.array(AttentionEdit).nullable(),
    /** null = the main stream's logits as they are. */
    contrast: ContrastParameters.nullable(),
    search: SearchParameters,
  })
  .meta({ id: "Row" });

function nonEmpty<Item>(items: Item[]): [Item, ...Item[]] {
  return items as [Item, ...Item[]];
}
