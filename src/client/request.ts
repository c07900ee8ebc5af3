import type { z } from "zod";
import { float32Array, type NdArray } from "../arrays/nd_array";
import { type Attention, type Contrast, greedy, type MethodTarget, none, type Search } from "../methods";
import { resolveAttention, resolveContrast } from "../methods/registry";
import type { GenerateCommand } from "../protocol/messages";
import type { AttentionEdit, Row, Sample } from "../protocol/parameters";
import { type Capture, capturePolicy } from "./capture";
import { type ImageInput, readImage } from "./image";

/** One answer to write. */
export interface RowRequest {
  /** Absent: a question without an image. */
  image?: ImageInput;
  /** The question; see `template`. */
  prompt: string;
  /** "chat" (default): the checkpoint's own chat template; "raw": the prompt exactly as given, `<image>` where the image goes; or a named template such as "vicuna_v1". */
  template?: string;
  /** Default: the hooks installed on the model. */
  attention?: Attention;
  /** Default: that of the generation. */
  search?: Search;
  /** Default: that of the generation. */
  contrast?: Contrast;
}

export interface GenerateOptions {
  /** The search of rows that name none. Default `greedy()`. */
  search?: Search;
  /** The contrast of rows that name none. Default: the logits as they are. */
  contrast?: Contrast;
  /**
   * Most rows written at once, beams and candidates counted; as rows end, waiting ones begin. Changes no answer. Default:
   * what fits into memory.
   */
  batchSize?: number;
  /** Default: no attention comes back. */
  capture?: Capture;
  /** False: no `token` events, only each row as a whole; cheaper where many rows are written. Default true. */
  stream?: boolean;
  /** Texts whose first token's logit at the first step is wanted, such as "Yes" and "No". */
  probes?: readonly string[];
  /** Aborting it cancels within one decoding step. */
  signal?: AbortSignal;
}

/**
 * The command for these rows and its array frames. Rows with the same image and prompt share a sample, which the
 * worker prefills once; an image given twice travels once.
 */
export async function generateCommand(
  model: string,
  target: MethodTarget,
  requests: readonly RowRequest[],
  options: GenerateOptions,
  window: number,
): Promise<{ body: z.infer<typeof GenerateCommand>; arrays: NdArray[] }> {
  const { search = greedy(), contrast, batchSize, capture, stream = true, probes = [] } = options;
  const arrays: NdArray[] = [];
  const images = new Map<ImageInput, number>();
  const samples = new Map<string, { index: number; sample: z.infer<typeof Sample> }>();
  const rows: z.infer<typeof Row>[] = [];
  for (const request of requests) {
    const { image, prompt, template = "chat" } = request;
    if (image !== undefined && !images.has(image)) images.set(image, arrays.push(await readImage(image)) - 1);
    const sample = {
      image: image === undefined ? null : images.get(image)!,
      prompt: { text: prompt, template },
    };
    const key = JSON.stringify(sample);
    if (!samples.has(key)) samples.set(key, { index: samples.size, sample });
    const contrasted = request.contrast ?? contrast;
    rows.push({
      sample: samples.get(key)!.index,
      attention: attentionEdits(request.attention, target, arrays),
      contrast: contrasted === undefined ? null : resolveContrast(contrasted, target),
      search: request.search ?? search,
    });
  }
  return {
    body: {
      model,
      samples: [...samples.values()].map(({ sample }) => sample),
      rows,
      batchSize: batchSize ?? null,
      stream,
      probes: [...probes],
      capture: capture === undefined ? null : capturePolicy(capture),
      window,
    },
    arrays,
  };
}

/** null = the installed hooks, [] = none. A reference of the caller's own joins `arrays`. */
export function attentionEdits(
  attention: Attention | undefined,
  target: MethodTarget,
  arrays: NdArray[],
): z.infer<typeof AttentionEdit>[] | null {
  if (attention === undefined) return null;
  if (attention === none) return [];
  const methods = "parameters" in attention ? [attention] : attention;
  return methods.map((method) => {
    const { reference } = method;
    const frame = reference && float32Array("reference", [reference.length], reference, ["imageToken"]);
    return {
      parameters: resolveAttention(method, target),
      reference: frame === undefined ? null : arrays.push(frame) - 1,
    };
  });
}
