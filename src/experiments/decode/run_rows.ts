import { WorkerDiedError } from "../../bridge/errors";
import type { Model } from "../../client";
import type { RowRecord } from "../store/record";
import type { Samples } from "../store/samples";
import { type DecodeOptions, decodeRows, failedRecord } from "./decode_rows";
import { type Lease, Leases } from "./leases";
import type { RowTask } from "./row_task";

/** A loaded model, and how to have it again after its worker died. */
export interface ModelHolder {
  readonly model: Model;
  /** Absent: a death ends the run. */
  revive?(): Promise<Model>;
}

export interface RowRunOptions extends DecodeOptions {
  /** Do failed rows again. */
  retryFailed: boolean;
  /** Called first, with the number of rows that are there already. */
  onStart?(done: number): void;
  /** Called with every record once it is on disk. */
  onRecord?(record: RowRecord, done: number): void;
}

/** Deaths of one worker, without a row between them, after which it is not started again. */
const lastDeath = 5;

/**
 * Writes the rows that the samples do not hold yet, and records each as it ends. Workers lease the rows image by image;
 * what a dead one leaves undone goes to the others and to its successor. An image that three workers died with is
 * recorded as failed. A worker that dies again and again is left out. @throws what stops all of them; what is recorded stays
 */
export async function runRows(
  samples: Samples,
  holders: readonly ModelHolder[],
  tasks: readonly RowTask[],
  { retryFailed, onStart, onRecord, signal, ...options }: RowRunOptions,
): Promise<void> {
  requireDistinct(tasks);
  const isDone = ({ key }: RowTask) => {
    const record = samples.records.get(key);
    return record !== undefined && (record.status === "done" || !retryFailed);
  };
  const missing = tasks.filter((task) => !isDone(task));
  onStart?.(tasks.length - missing.length);
  const leases = new Leases(missing, holders.length);
  const finished = new Set<string>();
  const record = (one: RowRecord) => {
    samples.append(one);
    finished.add(one.key);
    onRecord?.(one, tasks.length - missing.length + finished.size);
  };
  const failure = new AbortController();
  const stop = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);

  const serve = async (lease: Lease, model: Model) => {
    for await (const one of decodeRows(model, lease.tasks, { ...options, signal: stop })) record(one);
    leases.finish(lease);
  };
  const work = async ({ model, revive }: ModelHolder) => {
    let current = model;
    let deaths = 0;
    for (let lease = await leases.take(); lease !== undefined; lease = await leases.take()) {
      const before = finished.size;
      try {
        await serve(lease, current);
        deaths = 0;
      } catch (error) {
        const lost = leases.giveBack(lease, ({ key }) => finished.has(key));
        if (!(error instanceof WorkerDiedError)) throw error;
        for (const task of lost)
          record(
            failedRecord(task, {
              message: `Three workers died with it: ${error.message}`,
              code: "worker-died",
            }),
          );
        deaths = finished.size > before ? 1 : deaths + 1;
        if (revive === undefined || error.death.kind === "closed" || deaths >= lastDeath) throw error;
        current = await revive();
      }
    }
  };
  const errors: unknown[] = [];
  const leave = (error: unknown) => {
    errors.push(error);
    if (!(error instanceof WorkerDiedError)) failure.abort(); // the others would meet it too
  };
  await Promise.all(holders.map((holder) => work(holder).catch(leave)));
  const fault = errors.find((error) => !(error instanceof WorkerDiedError));
  if (fault !== undefined) throw fault;
  if (errors.length > 0 && finished.size < missing.length) throw errors[0];
  if (finished.size !== missing.length)
    throw new Error(`${missing.length} rows were to be written; there are ${finished.size} records of them.`);
}

/** Two rows with one key would share a record, and one answer would be lost. */
function requireDistinct(tasks: readonly RowTask[]): void {
  const keys = new Set<string>();
  for (const { key } of tasks) {
    if (keys.has(key)) throw new Error(`Two rows have the key "${key}".`);
    keys.add(key);
  }
}
