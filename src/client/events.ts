import type { z } from "zod";
import type { NdArray } from "../arrays/nd_array";
import type { WorkerError } from "../bridge/errors";
import type {
  Alternative,
  Attestation,
  AttestedEvent as AttestedRow,
  ContrastAttestation,
  PrefilledRow,
  Timings,
  Token,
} from "../protocol/messages";

/** Where the prompt of a row stands, and where its image tokens are: runs of key positions, each `[start, end)`. */
export interface PrefilledEvent {
  type: "prefilled";
  rows: z.infer<typeof PrefilledRow>[];
  seconds: number;
}

/** A generated token. `step` counts from 0; `edited` tells whether attention was edited when it was chosen. */
export type TokenEvent = { type: "token" } & z.infer<typeof Token>;

/** Attention of the query that chose token `step`: `map` has the axes layer, head, key. */
export interface AttentionEvent {
  type: "attention";
  row: number;
  step: number;
  /** Decoder layer of each entry along the first axis. */
  layers: number[];
  /** The chosen word this token belongs to, where the capture asked for words. */
  word: string | null;
  map: NdArray;
}

/** What was done to a row that has ended: comes just before its `row` event, where the row has edits or a contrast. */
export type AttestedEvent = { type: "attested" } & z.infer<typeof AttestedRow>;

/** A row is finished: by a stop token, by length, or by a fault of its own while the others go on. */
export type RowEvent = { type: "row"; row: number; text: string; tokenIds: number[] } & (
  | {
      finishReason: "stop" | "length";
      alternatives: z.infer<typeof Alternative>[];
      /** Logits that the probes had when the first token was chosen, in their order; empty where there were none. */
      probes: number[];
    }
  | { finishReason: "failed"; error: WorkerError }
);

/** The last event of a generation that ran to its end. */
export interface DoneEvent {
  type: "done";
  /** Which edits fired, on which layers, in how many steps of each row. */
  attestation: z.infer<typeof Attestation>[];
  /** What the contrast did in each row; empty where there was none. */
  contrasts: z.infer<typeof ContrastAttestation>[];
  timings: z.infer<typeof Timings>;
}

/** The last event of a generation that was cancelled. */
export interface CancelledEvent {
  type: "cancelled";
}

export type GenerationEvent =
  | PrefilledEvent
  | TokenEvent
  | AttentionEvent
  | AttestedEvent
  | RowEvent
  | DoneEvent
  | CancelledEvent;
