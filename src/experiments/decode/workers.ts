import { DataError } from "../../base/data_error";
import { type LoadOptions, type Model, startWorker, type Worker, type WorkerOptions } from "../../client";
import type { ModelHolder } from "./run_rows";

/** Starts a worker, and starts it again after it died. */
export interface StartWorker {
  /** @param signal ends a start that is still under way */
  (signal?: AbortSignal): Promise<Worker>;
  /** Where it computes, if that is known: workers with the same one share it. */
  readonly device?: string;
}

/** One worker a device: `workersOn(["cuda:0", "cuda:1"])`, or the same device several times. */
export function workersOn(
  devices: readonly string[],
  options: Omit<WorkerOptions, "device"> = {},
): StartWorker[] {
  return devices.map((device) => {
    const start = (signal?: AbortSignal) => startWorker({ ...options, device, ...(signal && { signal }) });
    return Object.assign(start, { device });
  });
}

/** The first worker, started at once for what it can tell, and the starts of all, of which the first gives it. */
export async function startFirst([start, ...others]: readonly StartWorker[]): Promise<{
  first: Worker;
  starts: StartWorker[];
}> {
  const first = await start!();
  let given = false;
  const giveFirst = async (signal?: AbortSignal) => {
    if (given) return start!(signal); // it has died
    given = true;
    return first;
  };
  return { first, starts: [Object.assign(giveFirst, start), ...others] };
}

/** Workers that all hold the same model, one checkpoint after another. It owns each from the moment it is started. */
export class Crew implements AsyncDisposable {
  readonly #starts: readonly StartWorker[];
  readonly #options: LoadOptions;
  readonly #workers: (Promise<Worker> | undefined)[];
  readonly #leaving = new AbortController();
  #models: (Model | undefined)[] = [];

  constructor(starts: readonly StartWorker[], options: LoadOptions) {
    if (starts.length === 0) throw new DataError("A sweep needs at least one worker.");
    this.#starts = starts;
    this.#options = options;
    this.#workers = starts.map(() => undefined);
  }

  /** Loads a checkpoint on every worker, in place of the one before. @throws WorkerError, WorkerDiedError */
  async load(checkpoint: string): Promise<ModelHolder[]> {
    await Promise.all(this.#models.map((model, i) => model?.unload().catch(() => this.#forget(i))));
    this.#models = await Promise.all(this.#starts.map((_, i) => this.#loadOn(i, checkpoint)));
    const [first, ...others] = this.#models as Model[];
    const odd = others.find(
      ({ fingerprint, dtype }) => fingerprint !== first!.fingerprint || dtype !== first!.dtype,
    );
    if (odd) {
      throw new DataError(
        `The workers hold different models (${first!.fingerprint} ${first!.dtype}, ${odd.fingerprint} ${odd.dtype}); give a dtype and devices of one kind.`,
      );
    }
    return this.#models.map((model, i) => ({ model: model!, revive: () => this.#revive(i, checkpoint) }));
  }

  /** Memory of all workers together, in bytes: of the devices where these have memory of their own. */
  async memory(): Promise<number> {
    const stats = await Promise.all(this.#workers.map(async (worker) => (await worker)?.stats()));
    return stats.reduce((sum, one) => sum + (one ? one.deviceBytes || one.residentBytes : 0), 0);
  }

  /** The first worker, once it has been started. */
  async first(): Promise<Worker | undefined> {
    return this.#workers[0];
  }

  /** Ends all workers, those that are still starting, too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort();
    await Promise.all(this.#workers.map((_, i) => this.#forget(i)));
  }

  async #revive(i: number, checkpoint: string): Promise<Model> {
    await this.#forget(i);
    const model = await this.#loadOn(i, checkpoint);
    this.#models[i] = model;
    return model;
  }

  async #forget(i: number): Promise<void> {
    const started = this.#workers[i];
    this.#workers[i] = undefined;
    const worker = await started?.catch(() => undefined); // a start that failed leaves nothing
    await worker?.close();
  }

  async #loadOn(i: number, checkpoint: string): Promise<Model> {
    this.#workers[i] ??= this.#starts[i]!(this.#leaving.signal);
    return (await this.#workers[i]).load(checkpoint, this.#options);
  }
}
