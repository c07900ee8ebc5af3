import type { z } from "zod";
import type { CapturePolicy } from "../protocol/parameters";

/** Which decoder attention comes back with the tokens. Everything kept costs bandwidth: layers x heads x keys a token. */
export interface Capture {
  /** Decoder layers, counted from 0. Default "all". */
  layers?: "all" | readonly number[];
  /** "mean" over heads, "all", or chosen ones. Default "mean". */
  heads?: "mean" | "all" | readonly number[];
  /** "image": attention on image tokens only; "all": on every token of prompt and answer. Default "image". */
  keys?: "image" | "all";
  /** Only the steps that wrote one of these words (compared in lower case). Default: every step. */
  words?: readonly string[];
  /** Default "float16". */
  dtype?: "float16" | "float32";
}

export function capturePolicy(capture: Capture): z.infer<typeof CapturePolicy> {
  const { layers = "all", heads = "mean", keys = "image", words, dtype = "float16" } = capture;
  return {
    layers: layers === "all" ? null : [...layers],
    heads: typeof heads === "string" ? heads : "chosen",
    chosenHeads: typeof heads === "string" ? [] : [...heads],
    keys,
    words: words?.map((word) => word.toLowerCase()) ?? null,
    dtype,
  };
}
