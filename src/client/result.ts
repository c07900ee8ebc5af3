import type { z } from "zod";
import type { WorkerError } from "../bridge/errors";
import type { Alternative } from "../protocol/messages";
import type { AttentionEvent, DoneEvent, GenerationEvent, PrefilledEvent } from "./events";

/** One written row: its text, or why it failed. */
export type RowResult = { row: number; promptTokens: number; keyRanges: [number, number][] } & (
  | {
      status: "done";
      text: string;
      tokenIds: number[];
      finishReason: "stop" | "length";
      /** What beam search ranked behind `text`, best first; empty unless it was asked for several answers. */
      alternatives: z.infer<typeof Alternative>[];
      attention: AttentionEvent[];
      /** Logits of the probes, in their order; empty where there were none. */
      probes: number[];
    }
  | { status: "failed"; error: WorkerError }
);

/** Everything a batch brought. */
export interface BatchResult extends Omit<DoneEvent, "type"> {
  rows: RowResult[];
}

/** Everything one answer brought. */
export type GenerateResult = Omit<Extract<RowResult, { status: "done" }>, "status" | "row"> &
  Omit<DoneEvent, "type">;

/** @throws AbortError when the generation was cancelled */
export async function collectBatch(events: AsyncIterable<GenerationEvent>): Promise<BatchResult> {
  const prefilled = new Map<number, PrefilledEvent["rows"][number]>();
  const attention = new Map<number, AttentionEvent[]>();
  const rows: RowResult[] = [];
  for await (const event of events) {
    switch (event.type) {
      case "prefilled":
        for (const row of event.rows) prefilled.set(row.row, row);
        break;
      case "attention":
        attention.set(event.row, [...(attention.get(event.row) ?? []), event]);
        break;
      case "row": {
        const { row } = event;
        const { promptTokens = 0, keyRanges = [] } = prefilled.get(row) ?? {};
        const common = { row, promptTokens, keyRanges };
        if (event.finishReason === "failed") {
          rows.push({ ...common, status: "failed", error: event.error });
        } else {
          const { text, tokenIds, finishReason, alternatives, probes } = event;
          rows.push({
            ...common,
            status: "done",
            text,
            tokenIds,
            finishReason,
            alternatives,
            attention: attention.get(row) ?? [],
            probes,
          });
        }
        break;
      }
      case "done": {
        const { type: _, ...done } = event;
        return { rows: rows.sort((a, b) => a.row - b.row), ...done };
      }
      case "cancelled":
        throw new DOMException("The generation was cancelled.", "AbortError");
    }
  }
  throw new Error("The events of this generation were read before; read them once, or call result() alone.");
}

/** @throws WorkerError when the row failed, AbortError when it was cancelled */
export async function collectOne(events: AsyncIterable<GenerationEvent>): Promise<GenerateResult> {
  const { rows, ...done } = await collectBatch(events);
  const [first] = rows;
  if (first === undefined || first.status === "failed")
    throw first?.error ?? new Error("The generation brought no row.");
  const { status: _, row: __, ...row } = first;
  return { ...row, ...done };
}
