/**
 * A sweep on disk: `sweep.json` (its cells, how they were scheduled, what was dropped and why), `items.json` (images or
 * questions, and what is in them), `samples.jsonl` (every answer, keyed by cell and item: the record of truth).
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { Lock } from "../../base/lock";
import type { GroundTruth } from "../../benchmarks";
import type { SweepData } from "../data";
import { type PlannedCell, recordKey } from "../plan";
import type { Drop } from "../schedule/scheduler";
import { attestationOf } from "./attestation";
import { format, readDescription, writeWhole } from "./files";
import { type RunRecord, readRecords, Samples } from "./samples";

/** What sweep.json says. A command that amends the sweep replaces it; the samples stay. */
export interface SweepDescription {
  kind: SweepData["kind"];
  metrics: readonly Record<string, unknown>[];
  scheduler: Readonly<Record<string, unknown>>;
  cells: readonly PlannedCell[];
  drops: readonly Drop[];
  /** Versions, device and command of every run that wrote here. */
  runs: readonly Record<string, unknown>[];
}

/** What items.json says. */
export interface StoredItems {
  items: readonly { id: string; image: string; fields: Record<string, unknown> }[];
  groundTruth: GroundTruth;
}

export interface StoredSweep extends SweepDescription, StoredItems {
  folder: string;
  records: ReadonlyMap<string, RunRecord>;
}

export class SweepFolder {
  readonly folder: string;
  readonly samples: Samples;
  readonly #lock: Lock;
  #description: SweepDescription;

  private constructor(folder: string, lock: Lock, samples: Samples, description: SweepDescription) {
    this.folder = folder;
    this.#lock = lock;
    this.samples = samples;
    this.#description = description;
  }

  /**
   * Makes a sweep's folder, or goes on with the sweep in it.
   * @throws DataError where it holds something else, is of a newer format, or another process writes to it
   */
  static open(
    folder: string,
    data: SweepData,
    about: Pick<SweepDescription, "metrics" | "scheduler">,
    run: Record<string, unknown>,
  ): SweepFolder {
    if (existsSync(join(folder, "run.json")))
      throw new DataError(`${folder} holds a run, no sweep. Name another folder with --out.`);
    mkdirSync(folder, { recursive: true });
    const lock = new Lock(folder);
    try {
      const before = existsSync(join(folder, "sweep.json")) ? readDescriptionOf(folder) : undefined;
      if (before && before.kind !== data.kind) {
        throw new DataError(
          `${folder} holds a sweep of ${before.kind}, this one is of ${data.kind}. Name another folder with --out.`,
        );
      }
      const items = data.items.map(({ id, image, fields }) => ({ id, image, fields }));
      writeWhole(join(folder, "items.json"), { format, items, groundTruth: data.groundTruth });
      const runs = [...(before?.runs ?? []), run];
      const opened = new SweepFolder(folder, lock, Samples.open(folder), {
        kind: data.kind,
        ...about,
        cells: [],
        drops: [],
        runs,
      });
      return opened;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The cells of one more model. */
  add(cells: readonly PlannedCell[]): void {
    this.#save({ cells: [...this.#description.cells, ...cells] });
  }

  drop(drops: readonly Drop[]): void {
    if (drops.length > 0) this.#save({ drops: [...this.#description.drops, ...drops] });
  }

  /** Every answer is there: notes what edits and contrasts did in each cell, about these items. */
  attest(items: readonly { id: string }[]): void {
    const { records } = this.samples;
    const cells = this.#description.cells.map((cell) => ({
      ...cell,
      attestation: attestationOf(items.flatMap((item) => records.get(recordKey(cell, item)) ?? [])),
    }));
    this.#save({ cells });
  }

  close(): void {
    this.samples.close();
    this.#lock.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #save(changes: Partial<SweepDescription>): void {
    this.#description = { ...this.#description, ...changes };
    writeWhole(join(this.folder, "sweep.json"), { format, ...plainData(this.#description) });
  }
}

/** @throws DataError where the folder is no sweep's */
export function readSweep(folder: string): StoredSweep {
  const items = join(folder, "items.json");
  return {
    folder,
    ...readDescriptionOf(folder),
    ...readDescription<StoredItems>(items, `${items} is not there; run the sweep again.`),
    records: readRecords(folder),
  };
}

/** What no cell of the sweep needs now: answers of cells and items that were taken out of it. */
export function staleRecords({ cells, items, records }: StoredSweep): RunRecord[] {
  const needed = new Set(cells.flatMap((cell) => items.map((item) => recordKey(cell, item))));
  return [...records.values()].filter(({ key }) => !needed.has(key));
}

/** Writes the samples anew without the stale ones, whole or not at all. @throws DataError where a process writes to them */
export function removeStale(folder: string): void {
  const lock = new Lock(folder);
  try {
    const sweep = readSweep(folder);
    const stale = new Set(staleRecords(sweep).map(({ key }) => key));
    const kept = [...sweep.records.values()].filter(({ key }) => !stale.has(key));
    const file = join(folder, "samples.jsonl");
    writeFileSync(`${file}.part`, kept.map((record) => `${JSON.stringify(record)}\n`).join(""), {
      flush: true,
    });
    renameSync(`${file}.part`, file);
  } finally {
    lock.release();
  }
}

function readDescriptionOf(folder: string): SweepDescription {
  return readDescription(join(folder, "sweep.json"), `${folder} is no sweep folder: it has no sweep.json.`);
}

/** Float arrays as lists: JSON has no other word for them. */
function plainData(description: SweepDescription): object {
  return JSON.parse(
    JSON.stringify(description, (_, value) => (value instanceof Float32Array ? [...value] : value)),
  );
}
