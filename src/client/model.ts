import type { z } from "zod";
import type { NdArray } from "../arrays/nd_array";
import type { Connection } from "../bridge/connection";
import { type AttentionMethod, aai } from "../methods";
import type { LoadedModel, ModelDescription } from "../protocol/messages";
import { call } from "./call";
import { Generation, type Prepare } from "./generation";
import { type ImageInput, readImage } from "./image";
import { attentionEdits, type GenerateOptions, generateCommand, type RowRequest } from "./request";
import { type BatchResult, collectBatch, collectOne, type GenerateResult } from "./result";
import { type VisionReference, visionReference } from "./vision";

export type { ModelDescription };

/** Bytes of events the worker may send ahead of the reader. */
const eventWindow = 32 * 2 ** 20;

/** A hook installed on a model. */
export interface HookHandle {
  /** Its name in `listHooks`; undefined where `useAai` was false and nothing was installed. */
  readonly id: string | undefined;
  /** Takes the hook off again; the model then decodes as if it had never been there. Idempotent. */
  remove(): Promise<void>;
}

/** The arguments of the released `llama_modify`, in TypeScript's spelling. */
export interface LlamaModifyOptions {
  startLayer: number;
  endLayer: number;
  useAai?: boolean;
  alpha: number;
  beta?: number;
  imgStartIdx?: number;
  imgEndIdx?: number;
  visRef?: VisionReference | Float32Array;
  warmup?: number;
}

/** A loaded checkpoint. */
export class Model {
  readonly #connection: Connection;
  readonly #loaded: z.infer<typeof LoadedModel>;

  constructor(connection: Connection, loaded: z.infer<typeof LoadedModel>) {
    this.#connection = connection;
    this.#loaded = loaded;
  }

  /** Family, layers, image tokens, vision tower … */
  get description(): z.infer<typeof ModelDescription> {
    return this.#loaded.description;
  }

  /** Tells checkpoints apart: the hub's commit, or a hash of the folder's files. */
  get fingerprint(): string {
    return this.#loaded.fingerprint;
  }

  get dtype(): string {
    return this.#loaded.dtype;
  }

  get device(): string {
    return this.#loaded.device;
  }

  /** Seconds the checkpoint took to load. */
  get loadSeconds(): number {
    return this.#loaded.seconds;
  }

  /** Writes one answer. Starts at once; read the events, or wait for `result()`. */
  generate(request: RowRequest & GenerateOptions): Generation<GenerateResult> {
    return this.#generate([request], request, collectOne);
  }

  /**
   * Writes several answers as rows of one batch, each with an image, a prompt and attention edits of its own. A row
   * that fails (a broken image, say) is reported and the others finish.
   */
  generateBatch(requests: readonly RowRequest[], options: GenerateOptions = {}): Generation<BatchResult> {
    return this.#generate(requests, options, collectBatch);
  }

  /** The vision encoder's self-attention, mapped onto the decoder's image tokens: the released `extract_vision`. */
  async extractVision(
    image: ImageInput,
    options: { mode?: "released" | "corrected" } = {},
  ): Promise<VisionReference> {
    const body = { model: this.#loaded.model, image: 0, mode: options.mode ?? "released" } as const;
    const { result, arrays } = await call(this.#connection, "extractVision", body, [await readImage(image)]);
    return visionReference(result, arrays);
  }

  /** Installs an edit for every later generation that names no `attention` of its own. */
  async installHook(method: AttentionMethod): Promise<HookHandle> {
    const arrays: NdArray[] = [];
    const [edit] = attentionEdits(method, this.description, arrays)!;
    const { model } = this.#loaded;
    const { result } = await call(this.#connection, "installHook", { model, edit: edit! }, arrays);
    let removed: Promise<unknown> | undefined;
    const remove = async () => {
      removed ??= call(this.#connection, "removeHook", { model, hook: result.hook });
      await removed;
    };
    return { id: result.hook, remove };
  }

  /** The released `llama_modify`, for scripts that port line by line: the same hook as `installHook(aai({...}))`. */
  async llamaModify(options: LlamaModifyOptions): Promise<HookHandle> {
    const {
      startLayer,
      endLayer,
      useAai = true,
      alpha,
      beta,
      imgStartIdx,
      imgEndIdx,
      visRef,
      warmup,
    } = options;
    if (!useAai) return { id: undefined, remove: async () => {} };
    const reference = visRef instanceof Float32Array ? visRef : visRef?.values;
    return this.installHook(
      aai({
        alpha,
        layers: [startLayer, endLayer],
        ...(beta !== undefined && { beta }),
        ...(warmup !== undefined && { warmup }),
        ...(imgStartIdx !== undefined && imgEndIdx !== undefined && { imageKeys: [imgStartIdx, imgEndIdx] }),
        ...(reference !== undefined && { reference }),
      }),
    );
  }

  /** The hooks installed on this model, in the order they are applied. */
  async listHooks(): Promise<{ id: string; method: string; parameters: AttentionMethod["parameters"] }[]> {
    const { result } = await call(this.#connection, "listHooks", { model: this.#loaded.model });
    return result.hooks.map(({ hook, edit: { parameters } }) => ({
      id: hook,
      method: parameters.method === "plugin" ? parameters.name : parameters.method,
      parameters,
    }));
  }

  /** Frees the memory; the model cannot be used afterwards. */
  async unload(): Promise<void> {
    await call(this.#connection, "unload", { model: this.#loaded.model });
  }

  #generate<Result>(
    requests: readonly RowRequest[],
    options: GenerateOptions,
    collect: ConstructorParameters<typeof Generation<Result>>[2],
  ): Generation<Result> {
    const prepare: Prepare = async () => {
      const { model, description } = this.#loaded;
      const { body, arrays } = await generateCommand(model, description, requests, options, eventWindow);
      return (callbacks) => {
        const id = this.#connection.submit("generate", body, arrays, callbacks);
        return {
          cancel: () => this.#connection.cancel(id),
          credit: (bytes) => this.#connection.credit(id, bytes),
        };
      };
    };
    return new Generation(prepare, eventWindow, collect, options.signal);
  }
}
