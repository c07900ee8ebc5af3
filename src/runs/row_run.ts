import type { Model, RowRequest } from "../client";
import type { Contrast, Search } from "../methods";
import type { RunFolder, RunRecord } from "./run_folder";

/** One row to write, and what its record says besides the answer. */
export interface RowTask {
  /** Unique in the run. */
  key: string;
  request: RowRequest;
  fields: Record<string, unknown>;
}

export interface RowRunOptions {
  contrast: Contrast | undefined;
  search: Search;
  /** Rows decoded together. Does not change what is written. */
  batchSize: number;
  /** Texts whose likelihood at the first token is recorded. */
  probes?: readonly string[];
  /** Do failed rows again. */
  retryFailed: boolean;
  onBatch?(done: number): void;
}

/** Writes the rows that the run does not hold yet, in the order of the tasks, and records them batch by batch. */
export async function runRows(
  run: RunFolder,
  model: Model,
  tasks: readonly RowTask[],
  options: RowRunOptions,
): Promise<void> {
  const { contrast, search, batchSize, probes = [], retryFailed, onBatch } = options;
  const isDone = ({ key }: RowTask) => {
    const record = run.records.get(key);
    return record !== undefined && (record.status === "done" || !retryFailed);
  };
  const missing = tasks.filter((task) => !isDone(task));
  const finished = tasks.length - missing.length;
  onBatch?.(finished);
  for (let first = 0; first < missing.length; first += batchSize) {
    const batch = missing.slice(first, first + batchSize);
    const { rows } = await model
      .generateBatch(
        batch.map(({ request }) => request),
        { search, probes, ...(contrast && { contrast }) },
      )
      .result();
    run.append(
      rows.map((row): RunRecord => {
        const { key, fields } = batch[row.row]!;
        if (row.status === "failed")
          return { key, status: "failed", ...fields, error: row.error.message, code: row.error.code };
        return {
          key,
          status: "done",
          ...fields,
          answer: row.text,
          tokens: row.tokenIds.length,
          finishReason: row.finishReason,
          ...(probes.length > 0 && { probes: row.probes }),
        };
      }),
    );
    onBatch?.(finished + first + batch.length);
  }
}
