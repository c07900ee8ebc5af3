/**
 * Every message between driver and worker, once. `python/aai_worker/protocol.py` is generated from this file
 * (`npm run generate`); a test fails when the two drift apart.
 *
 * A message is [header][body][array frames ...]; `header.type` names the schema of the body. Unknown fields and
 * unknown message types are tolerated, an unknown command is answered with an `error`.
 */
import { z } from "zod";
import { aai } from "../methods";
import { LoadedPlugin } from "../methods/plugin";
import { AttentionEdit, CapturePolicy, Row, Sample } from "./parameters";

/** Which self-attention of the vision encoder a reference is made of. */
const ReferenceMode = aai.method.parameters.mode.sent;

export const ArrayDtype = z.enum(["uint8", "int32", "int64", "float16", "float32", "float64", "bfloat16"]);

export const ArraySpec = z
  .object({ name: z.string(), dtype: ArrayDtype, shape: z.array(z.int().min(0)), axes: z.array(z.string()) })
  .meta({ id: "ArraySpec" });

/** `id` is the command's; 0 for messages that answer none. */
export const Header = z
  .object({ id: z.int().min(0), type: z.string(), arrays: z.array(ArraySpec) })
  .meta({ id: "Header" });

// ---- what a checkpoint is -------------------------------------------------------------------------------------

export const VisionTower = z
  .object({
    className: z.string(),
    layers: z.int(),
    heads: z.int(),
    imageSize: z.int(),
    /** Rows and columns of the encoder's patch grid. */
    grid: z.tuple([z.int(), z.int()]),
    hasCls: z.boolean(),
    /** The layer the decoder sees, as the checkpoint's configuration names it (-2 = output of the last but one). */
    featureLayer: z.int(),
    /** The layer whose self-attention is the reference, counted from 0. */
    referenceLayer: z.int(),
  })
  .meta({ id: "VisionTower" });

export const ModelDescription = z
  .object({
    family: z.string(),
    architecture: z.string(),
    source: z.string(),
    layers: z.int(),
    /** Decoder layers that attend to the image alone (Llama 3.2 Vision): there edits act and attention is captured. Empty: all see it. */
    crossLayers: z.array(z.int()),
    heads: z.int(),
    kvHeads: z.int(),
    hiddenSize: z.int(),
    vocabularySize: z.int(),
    contextLength: z.int(),
    imageTokenId: z.int(),
    /** Image tokens of one image in the decoder. */
    imageTokens: z.int(),
    /** They depend on the image: `imageTokens` and `visionTower` tell them for one of 640 x 480 pixels. */
    dynamicImageTokens: z.boolean(),
    visionTower: VisionTower,
    templates: z.array(z.string()),
    parameters: z.int(),
    /** Settings of its generation_config.json that act on logits, as in transformers' `generate`: value by name, as JSON. */
    processors: z.record(z.string(), z.string()),
    /** Settings of that file without effect here: a search names its own. */
    unusedSettings: z.array(z.string()),
  })
  .meta({ id: "ModelDescription" });

export const LoadedModel = z
  .object({
    model: z.string(),
    description: ModelDescription,
    /** A hash of the checkpoint's weights and settings, 16 hexadecimal digits. */
    fingerprint: z.string(),
    dtype: z.string(),
    /** Several, separated by commas, where it is spread over them. */
    device: z.string(),
    seconds: z.number(),
  })
  .meta({ id: "LoadedModel" });

// ---- commands, each with its result ---------------------------------------------------------------------------

export const LoadCommand = z
  .object({
    /** Hub id or folder. */
    source: z.string(),
    revision: z.string().nullable(),
    /** Of all weights; "int8" and "nf4" of the decoder's only, on a CUDA GPU with bitsandbytes. */
    dtype: z.enum(["auto", "float32", "float16", "bfloat16", "int8", "nf4"]),
    /** "auto": spread over all GPUs that the worker sees, as transformers does; null: on the worker's device. */
    deviceMap: z.literal("auto").nullable(),
    offline: z.boolean(),
  })
  .meta({ id: "LoadCommand" });

export const ModelCommand = z.object({ model: z.string() }).meta({ id: "ModelCommand" });

export const ExtractVisionCommand = z
  .object({ model: z.string(), image: z.int(), mode: ReferenceMode })
  .meta({ id: "ExtractVisionCommand" });

/** Image tokens `first` to `first + rows * columns - 1` lie on the picture row by row; with tiles there are others. */
export const TokenGrid = z
  .object({ first: z.int().min(0), rows: z.int().min(1), columns: z.int().min(1) })
  .meta({ id: "TokenGrid" });

/**
 * Comes with three arrays: float32 `tokens` [image tokens] and `grid` [rows, columns], and uint8 `picture`
 * [height, width, 3], the image as the model saw it after resizing and cropping.
 */
export const VisionReference = z
  .object({
    mode: ReferenceMode,
    mean: z.number(),
    min: z.number(),
    max: z.number(),
    /** Shannon entropy of the reference as a distribution, in nats, over that of a uniform one: 1 = flat. */
    flatness: z.number(),
    /** True where all values agree to 1e-4 of their mean: such a reference aligns with nothing. */
    constant: z.boolean(),
    /** Where the picture's rows and columns of tokens begin among the image tokens; null where tokens have no place in it. */
    tokenGrid: TokenGrid.nullable(),
  })
  .meta({ id: "VisionReference" });

export const InstallHookCommand = z
  .object({ model: z.string(), edit: AttentionEdit })
  .meta({ id: "InstallHookCommand" });

export const Hook = z.object({ hook: z.string(), edit: AttentionEdit }).meta({ id: "Hook" });

export const HookList = z.object({ hooks: z.array(Hook) }).meta({ id: "HookList" });

export const RemoveHookCommand = z
  .object({ model: z.string(), hook: z.string() })
  .meta({ id: "RemoveHookCommand" });

export const Nothing = z.object({}).meta({ id: "Nothing" });

/**
 * A Python file, which is run: it is the user's own code, named by the user. It travels as bytes, for a worker on another
 * machine has other files: `file` is what the driver calls it, `source` the index of a uint8 array frame.
 */
export const LoadPluginCommand = z
  .object({ file: z.string(), source: z.int().min(0) })
  .meta({ id: "LoadPluginCommand" });

export const GenerateCommand = z
  .object({
    model: z.string(),
    samples: z.array(Sample),
    rows: z.array(Row),
    /** Most rows alive at once, beams and candidates counted; as rows end, waiting ones begin. null = what fits into memory. */
    batchSize: z.int().min(1).nullable(),
    capture: CapturePolicy.nullable(),
    /** False: no `tokens` events, each row's answer comes as a whole. */
    stream: z.boolean(),
    /** Texts whose first token's logit at the first step comes back with each row. */
    probes: z.array(z.string()),
    /** How many bytes of events the worker may have on the way before it waits for `credit`. */
    window: z.int().min(1),
  })
  .meta({ id: "GenerateCommand" });

// ---- events of a generation -----------------------------------------------------------------------------------

export const WorkerFault = z
  .object({
    /** Stable name for programs: "bad-input", "unknown-command", "out-of-memory", "internal" ... */
    code: z.string(),
    /** One sentence for people. */
    message: z.string(),
    /** The Python traceback, empty for faults that are the caller's. */
    traceback: z.string(),
  })
  .meta({ id: "WorkerFault" });

/**
 * After a prefill; samples are prefilled a few at a time. `keyRanges`: runs of image tokens in the prompt, each
 * [start, end); among the keys of cross layers where the model has such.
 */
export const PrefilledRow = z
  .object({ row: z.int(), promptTokens: z.int(), keyRanges: z.array(z.tuple([z.int(), z.int()])) })
  .meta({ id: "PrefilledRow" });
export const PrefilledEvent = z
  .object({ rows: z.array(PrefilledRow), seconds: z.number() })
  .meta({ id: "PrefilledEvent" });

/** `step` counts the row's generated tokens from 0; `text` is what this token adds to the row's text. */
export const Token = z
  .object({ row: z.int(), step: z.int(), id: z.int(), text: z.string(), edited: z.boolean() })
  .meta({ id: "Token" });
/** One decoding step of all rows, or several steps where the reader was behind. */
export const TokensEvent = z.object({ tokens: z.array(Token) }).meta({ id: "TokensEvent" });

/**
 * Comes with one array `attention` [layer, head, key]: the softmaxed weights of the query that chose token `step`.
 * `layers` names the decoder layers along the first axis.
 */
export const AttentionEvent = z
  .object({ row: z.int(), step: z.int(), layers: z.array(z.int()), word: z.string().nullable() })
  .meta({ id: "AttentionEvent" });

/** Another answer of a row: what beam search ranked behind the best. */
export const Alternative = z
  .object({ text: z.string(), tokenIds: z.array(z.int()), finishReason: z.enum(["stop", "length"]) })
  .meta({ id: "Alternative" });

export const RowEvent = z
  .object({
    row: z.int(),
    text: z.string(),
    tokenIds: z.array(z.int()),
    finishReason: z.enum(["stop", "length", "failed"]),
    /** Best first; empty unless beam search was asked for several answers. */
    alternatives: z.array(Alternative),
    /** Logits of the command's `probes`, in order, when the first token was chosen. */
    probes: z.array(z.number()),
    fault: WorkerFault.nullable(),
  })
  .meta({ id: "RowEvent" });

/** What one edit did in one row: proof that a hook fired, and where. */
export const Attestation = z
  .object({
    row: z.int(),
    method: z.string(),
    hook: z.string().nullable(),
    layers: z.array(z.int()),
    /** Decoding steps of this row in which the edit was applied. */
    steps: z.int(),
    /** Applications: layers x steps where nothing was skipped. */
    applications: z.int(),
    /** True where the vision reference was (nearly) constant. */
    constantReference: z.boolean(),
  })
  .meta({ id: "Attestation" });

/** What a contrast did in one row. */
export const ContrastAttestation = z
  .object({
    row: z.int(),
    method: z.string(),
    /** Whether it forwarded a second stream. */
    secondStream: z.boolean(),
    /** Decoding steps of this row in which it combined the logits. */
    steps: z.int(),
    /** Those of them in which any logit came out changed. */
    changed: z.int(),
    /** Those in which another token came out as the likeliest. */
    overruled: z.int(),
  })
  .meta({ id: "ContrastAttestation" });

/** What was done to a row that has ended, just before its `row` event; none comes of rows without edits and contrast. */
export const AttestedEvent = z
  .object({ row: z.int(), edits: z.array(Attestation), contrast: ContrastAttestation.nullable() })
  .meta({ id: "AttestedEvent" });

export const Timings = z
  .object({
    visionSeconds: z.number(),
    prefillSeconds: z.number(),
    decodeSeconds: z.number(),
    generatedTokens: z.int(),
    steps: z.int(),
  })
  .meta({ id: "Timings" });

export const GenerateSummary = z
  .object({
    attestation: z.array(Attestation),
    contrasts: z.array(ContrastAttestation),
    timings: Timings,
  })
  .meta({ id: "GenerateSummary" });

/** Every event of a generation by its `header.type`. The terminal ones are `result`, `cancelled` and `error`. */
export const generateEvents = {
  prefilled: PrefilledEvent,
  tokens: TokensEvent,
  attention: AttentionEvent,
  attested: AttestedEvent,
  row: RowEvent,
} as const;

/** Commands on the data socket: answered in order, each by one `result`, `cancelled` or `error`. */
export const commands = {
  load: { body: LoadCommand, result: LoadedModel },
  unload: { body: ModelCommand, result: Nothing },
  describe: { body: ModelCommand, result: LoadedModel },
  extractVision: { body: ExtractVisionCommand, result: VisionReference },
  installHook: { body: InstallHookCommand, result: Hook },
  removeHook: { body: RemoveHookCommand, result: Nothing },
  listHooks: { body: ModelCommand, result: HookList },
  loadPlugin: { body: LoadPluginCommand, result: LoadedPlugin },
  generate: { body: GenerateCommand, result: GenerateSummary },
} as const;

// ---- the control socket ---------------------------------------------------------------------------------------

/** First message of a worker, before it imports torch. */
export const Hello = z
  .object({
    protocolHash: z.string(),
    workerVersion: z.string(),
    pythonVersion: z.string(),
    pid: z.int(),
    token: z.string(),
  })
  .meta({ id: "Hello" });

/** The driver's answer to a hello it accepts. */
export const Welcome = z.object({ device: z.string(), threads: z.int().nullable() }).meta({ id: "Welcome" });

/** Torch and transformers are imported, the device is there. */
export const Ready = z
  .object({
    device: z.string(),
    deviceName: z.string(),
    torchVersion: z.string(),
    transformersVersion: z.string(),
    commands: z.array(z.string()),
    attentionMethods: z.array(z.string()),
    searchMethods: z.array(z.string()),
    families: z.array(z.string()),
  })
  .meta({ id: "Ready" });

/** Gives `bytes` back to the window of the generation with this id. */
export const Credit = z.object({ id: z.int(), bytes: z.int().min(0) }).meta({ id: "Credit" });

export const Cancel = z.object({ id: z.int() }).meta({ id: "Cancel" });

/** `progress` grows with every decoding step, loaded shard and prefill; a busy worker whose progress stands still is stuck. */
export const Pong = z
  .object({ state: z.enum(["idle", "busy", "waiting"]), command: z.string(), id: z.int(), progress: z.int() })
  .meta({ id: "Pong" });

export const Stats = z
  .object({
    uptimeSeconds: z.number(),
    residentBytes: z.int(),
    deviceBytes: z.int(),
    models: z.array(z.string()),
    generatedTokens: z.int(),
  })
  .meta({ id: "Stats" });

/** From driver to worker, answered at once even while a forward pass runs. */
export const controlToWorker = {
  welcome: Welcome,
  ping: Nothing,
  credit: Credit,
  cancel: Cancel,
  stats: Nothing,
  shutdown: Nothing,
} as const;

/** From worker to driver. */
export const controlToDriver = {
  hello: Hello,
  ready: Ready,
  pong: Pong,
  stats: Stats,
  error: WorkerFault,
} as const;
