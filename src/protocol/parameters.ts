/**
 * What a caller may ask the worker to do to attention, to the search, and what to bring back: the parameter
 * types that every layer shares. All values are explicit; defaults belong to `src/methods`.
 *
 * `z.int()` and `z.number()` are kept apart on purpose: the Python types are generated from here, and msgpack
 * would otherwise blur 1 and 1.0.
 */
import { z } from "zod";

/** Half-open range of decoder layers, `[start, end)`, counted from 0. */
export const LayerRange = z.tuple([z.int().min(0), z.int().min(0)]);

/** Half-open range of key positions in the expanded prompt (image placeholder already replaced), `[start, end)`. */
export const KeyRange = z.tuple([z.int().min(0), z.int().min(0)]);

export const ReferenceMode = z.enum(["seed", "corrected"]);

export const Normalisation = z.enum(["mean", "clip", "rank"]);

/** AAI: `x <- alpha * |x| * r + beta * x` on the pre-softmax logits `x` of image keys, `r` the vision reference. */
export const AaiParameters = z
  .object({
    method: z.literal("aai"),
    alpha: z.number(),
    beta: z.number(),
    layers: LayerRange,
    /** Edited once more than `warmup` tokens of the row have been generated; 5 = seed, -1 = from the first token. */
    warmup: z.int().min(-1),
    mode: ReferenceMode,
    normalisation: Normalisation,
    /** Overrides where the image tokens are found; null = wherever the prompt has image tokens. */
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "AaiParameters" });

/** PAI: `x <- x + alpha * |x|` on image keys. */
export const PaiParameters = z
  .object({
    method: z.literal("pai"),
    alpha: z.number(),
    layers: LayerRange,
    /** As AAI's: -1 = from the first token, 0 = from the second. */
    warmup: z.int().min(-1),
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "PaiParameters" });

/** HGAI: `x <- x + alpha * mean over heads of |x|` on image keys, from the first token on. */
export const HgaiParameters = z
  .object({
    method: z.literal("hgai"),
    alpha: z.number(),
    layers: LayerRange,
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "HgaiParameters" });

/** Which queries an edit changes: that of each newest token alone, or those of the prompt behind the image, too. */
export const EditedQueries = z.enum(["newest", "behindImage"]);

/** VAF: `x <- enhance * x` on image keys, `x <- suppress * x` on all keys before them, from the first token on. */
export const VafParameters = z
  .object({
    method: z.literal("vaf"),
    enhance: z.number(),
    suppress: z.number(),
    queries: EditedQueries,
    layers: LayerRange,
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "VafParameters" });

/** Of a parameter that a plug-in declares. */
export const PluginValue = z.union([z.boolean(), z.int(), z.number(), z.string()]);

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
    warmup: z.int().min(-1),
    /** Of the vision reference, where it asks for one. */
    mode: ReferenceMode,
    normalisation: Normalisation,
    imageKeys: KeyRange.nullable(),
  })
  .meta({ id: "PluginEditParameters" });

/** Every attention method, told apart by `method`. */
export const AttentionParameters = z.discriminatedUnion("method", [
  AaiParameters,
  PaiParameters,
  HgaiParameters,
  VafParameters,
  PluginEditParameters,
]);

/** One attention edit of a row. `reference` is the index of a float32 array frame, or null to extract it from the image. */
export const AttentionEdit = z
  .object({ parameters: AttentionParameters, reference: z.int().nullable() })
  .meta({ id: "AttentionEdit" });

export const GreedyParameters = z
  .object({ method: z.literal("greedy"), maxNewTokens: z.int().min(1) })
  .meta({ id: "GreedyParameters" });

/** Sampling, with the warpers of transformers in their order. 1, 0, 1, 0 and 1 leave all to chance. */
export const SampleParameters = z
  .object({
    method: z.literal("sample"),
    maxNewTokens: z.int().min(1),
    temperature: z.number().gt(0),
    /** 0 = all tokens. */
    topK: z.int().min(0),
    topP: z.number().gt(0).max(1),
    minP: z.number().gte(0).max(1),
    /** On tokens of the prompt and the answer so far. */
    repetitionPenalty: z.number().gt(0),
    /** Every row draws from a generator of its own with this seed. */
    seed: z.int().min(0),
  })
  .meta({ id: "SampleParameters" });

/** Beam search as transformers does it. */
export const BeamParameters = z
  .object({
    method: z.literal("beam"),
    maxNewTokens: z.int().min(1),
    numBeams: z.int().min(1),
    /** Ended beams compete with score / length ** lengthPenalty: above 0 favours long answers. */
    lengthPenalty: z.number(),
    /** Stop as soon as there are `numBeams` ended beams. */
    earlyStopping: z.boolean(),
    /** Answers per row, at most `numBeams`. */
    numReturn: z.int().min(1),
  })
  .meta({ id: "BeamParameters" });

/** OPERA: beam search, penalised for over-trust, that goes back and chooses anew when it persists. */
export const OperaParameters = z
  .object({
    method: z.literal("opera"),
    maxNewTokens: z.int().min(1),
    numBeams: z.int().min(1),
    lengthPenalty: z.number(),
    /** Attention weights are multiplied by it before their products are taken. */
    scaleFactor: z.number().gt(0),
    /** Goes back when every beam has found the same anchor more often than this. */
    threshold: z.int().min(0),
    /** Tokens tried per beam and step, and most returns to one position. */
    numAttnCandidates: z.int().min(1),
    /** Factor on the penalty. */
    penaltyWeights: z.number(),
    /** "faithful": the released code with its faults; "clean": these mended. */
    mode: z.enum(["faithful", "clean"]),
  })
  .meta({ id: "OperaParameters" });

/** Every search, told apart by `method`. */
export const SearchParameters = z.discriminatedUnion("method", [
  GreedyParameters,
  SampleParameters,
  BeamParameters,
  OperaParameters,
]);

/** VCD: `(1 + alpha) * l - alpha * l(noisy image)`; `beta`: plausibility, 0 = off; noise step 0 to 999. */
export const VcdParameters = z
  .object({
    method: z.literal("vcd"),
    alpha: z.number(),
    beta: z.number(),
    noiseStep: z.int().min(0),
    seed: z.int().min(0),
  })
  .meta({ id: "VcdParameters" });

/** The plausibility constraint alone: tokens below `beta` times the best one's probability are left out. */
export const ApcOnlyParameters = z
  .object({ method: z.literal("apcOnly"), beta: z.number() })
  .meta({ id: "ApcOnlyParameters" });

/** M3ID: contrast with the image-free answer, its weight `exp(decay * t) - 1` growing with the token's number t. */
export const M3idParameters = z
  .object({
    method: z.literal("m3id"),
    decay: z.number(),
    /** t of the first token. */
    firstStep: z.int().min(0),
    beta: z.number(),
  })
  .meta({ id: "M3idParameters" });

/** PAI's logit part: `gamma * (lc - lu) + lu`, log-probabilities with and without the image. */
export const PaiCfgParameters = z
  .object({ method: z.literal("paiCfg"), gamma: z.number(), beta: z.number() })
  .meta({ id: "PaiCfgParameters" });

/** ICD: `(1 + alpha) * l - alpha * l(disturbed)`, the disturbance a text before the question. */
export const IcdParameters = z
  .object({ method: z.literal("icd"), alpha: z.number(), beta: z.number(), disturbance: z.string() })
  .meta({ id: "IcdParameters" });

/** DoLa: `log p - log p_early`, the early exit after one of `layers` layers; tokens below `relativeTop` left out. */
export const DolaParameters = z
  .object({ method: z.literal("dola"), layers: z.array(z.int().min(0)), relativeTop: z.number() })
  .meta({ id: "DolaParameters" });

/** DeCo: `l + alpha * m * l_early` for the candidates; early exits after `layers`, `[start, end)`. */
export const DecoParameters = z
  .object({
    method: z.literal("deco"),
    alpha: z.number(),
    layers: LayerRange,
    topP: z.number(),
    maxCandidates: z.int().min(1),
  })
  .meta({ id: "DecoParameters" });

/** SID: `(1 + alpha) * l - alpha * l(only the keep least attended image tokens from layer on, in the prompt, too)`. */
export const SidParameters = z
  .object({
    method: z.literal("sid"),
    alpha: z.number(),
    beta: z.number(),
    keep: z.int().min(1),
    layer: z.int().min(1),
  })
  .meta({ id: "SidParameters" });

/** A contrast of the user's own; see `PluginEditParameters`. The noise is that of its second stream, where it is a noisy image. */
export const PluginContrastParameters = z
  .object({
    method: z.literal("plugin"),
    name: z.string(),
    sha256: z.string(),
    values: z.record(z.string(), PluginValue),
    noiseStep: z.int().min(0),
    noiseSeed: z.int().min(0),
  })
  .meta({ id: "PluginContrastParameters" });

/** Every contrast, told apart by `method`. */
export const ContrastParameters = z.discriminatedUnion("method", [
  VcdParameters,
  ApcOnlyParameters,
  M3idParameters,
  PaiCfgParameters,
  IcdParameters,
  DolaParameters,
  DecoParameters,
  SidParameters,
  PluginContrastParameters,
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
