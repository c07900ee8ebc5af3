import type { Model, RowEvent } from "../../client";
import { rowAttestation } from "../store/attestation";
import type { RowAttestation, RowRecord } from "../store/record";
import { readImages } from "./read_images";
import { withRowSeed } from "./row_seed";
import type { RowTask } from "./row_task";

export interface DecodeOptions {
  /** Rows alive at once; "auto": what fits into memory. Does not change what is written. */
  batchSize: number | "auto";
  /** Texts whose likelihood at the first token is recorded. */
  probes: readonly string[];
  signal: AbortSignal | undefined;
  /** Rows whose prompt was prefilled (above 0), or that ended (below). */
  onAlive?(change: number): void;
}

/** Writes rows, and gives each one's record as soon as it is there. @throws WorkerDiedError, WorkerError, AbortError */
export async function* decodeRows(
  model: Model,
  tasks: readonly RowTask[],
  { batchSize, probes, signal, onAlive }: DecodeOptions,
): AsyncGenerator<RowRecord> {
  const { readable, unreadable } = await readImages(tasks);
  for (const { task, error } of unreadable)
    yield failedRecord(task, { code: "bad-image", message: error.message });
  if (readable.length === 0) return;
  const events = model.generateBatch(
    readable.map(({ task: { request, search, contrast }, image }) => ({
      ...request,
      ...(image !== undefined && { image }),
      search: withRowSeed(search, request),
      ...(contrast && { contrast }),
    })),
    {
      ...{ probes, stream: false },
      ...(batchSize !== "auto" && { batchSize }),
      ...(signal && { signal }),
    },
  );
  const alive = new Set<number>();
  const attested = new Map<number, RowAttestation>();
  try {
    for await (const event of events) {
      if (event.type === "prefilled") {
        for (const { row } of event.rows) alive.add(row);
        onAlive?.(event.rows.length);
      }
      if (event.type === "cancelled") throw new DOMException("The run was cancelled.", "AbortError");
      if (event.type === "attested") attested.set(event.row, rowAttestation(event));
      if (event.type === "row") {
        if (alive.delete(event.row)) onAlive?.(-1);
        yield recordOf(event, readable[event.row]!.task, probes.length > 0, attested.get(event.row));
        attested.delete(event.row);
      }
    }
  } finally {
    if (alive.size > 0) onAlive?.(-alive.size);
  }
}

function recordOf(
  event: RowEvent,
  task: RowTask,
  probed: boolean,
  attestation: RowAttestation | undefined,
): RowRecord {
  if (event.finishReason === "failed") return failedRecord(task, event.error);
  const { key, fields } = task;
  const { text, tokenIds, finishReason, probes } = event;
  return {
    ...{ key, status: "done", ...fields, answer: text, tokens: tokenIds.length, finishReason },
    ...(probed && { probes }),
    ...(attestation && { attestation }),
  };
}

/** The record of a row that has no answer. */
export function failedRecord(
  { key, fields }: RowTask,
  { message, code }: { message: string; code: string },
): RowRecord {
  return { key, status: "failed", ...fields, error: message, code };
}
