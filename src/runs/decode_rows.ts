import type { GenerationEvent, Model, RowEvent, RowRequest } from "../client";
import type { Contrast, Search } from "../methods";
import { identityOf } from "./identity";
import type { RunRecord } from "./samples";

/** One row to write, and what its record says besides the answer. */
export interface RowTask {
  /** Unique in the run. */
  key: string;
  request: RowRequest;
  search: Search;
  contrast: Contrast | undefined;
  fields: Record<string, unknown>;
}

export interface DecodeOptions {
  /** Rows decoded together. Does not change what is written. */
  batchSize: number | "auto";
  /** Texts whose likelihood at the first token is recorded. */
  probes: readonly string[];
  signal: AbortSignal | undefined;
  /** Rows that were prefilled (above 0) or ended (below). */
  onAlive?(change: number): void;
}

/** Rows decoded together where nobody says how many. */
const usualBatch = 16;

/** Writes rows, and gives each one's record as soon as it is there. @throws WorkerDiedError, WorkerError, AbortError */
export async function* decodeRows(
  model: Model,
  tasks: readonly RowTask[],
  { batchSize, probes, signal, onAlive }: DecodeOptions,
): AsyncGenerator<RunRecord> {
  const size = batchSize === "auto" ? usualBatch : batchSize;
  for (const alike of groups(tasks, ({ search, contrast }) => identityOf([search, contrast]))) {
    const { search, contrast } = alike[0]!;
    for (let first = 0; first < alike.length; first += size) {
      const batch = alike.slice(first, first + size);
      const generation = model.generateBatch(
        batch.map(({ request }) => request),
        { search, probes, ...(contrast && { contrast }), ...(signal && { signal }) },
      );
      yield* recordsOf(generation, batch, probes.length > 0, onAlive);
    }
  }
}

/** Records as their rows end; where rows are probed, once the probes' logits are there too. */
async function* recordsOf(
  events: AsyncIterable<GenerationEvent>,
  tasks: readonly RowTask[],
  probed: boolean,
  onAlive: DecodeOptions["onAlive"],
): AsyncGenerator<RunRecord> {
  const waiting = new Map<number, RunRecord>();
  const alive = new Set<number>();
  const change = (rows: readonly number[], add: boolean) => {
    const before = alive.size;
    for (const row of rows) alive[add ? "add" : "delete"](row);
    if (alive.size !== before) onAlive?.(alive.size - before);
  };
  try {
    for await (const event of events) {
      if (event.type === "prefilled")
        change(
          event.rows.map(({ row }) => row),
          true,
        );
      if (event.type === "cancelled") throw new DOMException("The run was cancelled.", "AbortError");
      if (event.type === "row") {
        change([event.row], false);
        const record = recordOf(event, tasks[event.row]!);
        if (probed && record.status === "done") waiting.set(event.row, record);
        else yield record;
      }
      if (event.type === "probes" && waiting.has(event.row)) {
        yield { ...waiting.get(event.row)!, probes: event.logits };
        waiting.delete(event.row);
      }
    }
  } finally {
    change([...alive], false);
  }
}

function recordOf(event: RowEvent, { key, fields }: RowTask): RunRecord {
  if (event.finishReason === "failed")
    return { key, status: "failed", ...fields, error: event.error.message, code: event.error.code };
  const { text, tokenIds, finishReason } = event;
  return { key, status: "done", ...fields, answer: text, tokens: tokenIds.length, finishReason };
}

/** Items by their keys, in the order in which the keys come first. */
export function groups<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = found.get(key);
    if (group) group.push(item);
    else found.set(key, [item]);
  }
  return [...found.values()];
}
