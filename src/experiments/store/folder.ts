/**
 * An experiment on disk: `experiment.json` (its cells, how they were scheduled, what was dropped and why), `items.json`
 * (what is asked, and what the answers are scored by), `samples.jsonl` (every answer, by cell and item: the record of
 * truth, from which an experiment that was killed at any moment goes on).
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { Lock } from "../../base/lock";
import type { ExperimentData } from "../items";
import { type PlannedCell, recordKey } from "../plan";
import type { Drop } from "../schedule/scheduler";
import { attestationOf } from "./attestation";
import {
  descriptionFile,
  type ExperimentDescription,
  isExperiment,
  itemsFile,
  readDescription,
  readItems,
  refuseEarlier,
  type StoredItem,
  type StoredItems,
  writeStored,
} from "./description";
import type { RowRecord } from "./record";
import { readRecords, Samples, writeRecords } from "./samples";

export interface StoredExperiment extends ExperimentDescription, StoredItems {
  folder: string;
  records: ReadonlyMap<string, RowRecord>;
}

/** What a folder held before it was opened. */
export interface Before {
  description: ExperimentDescription;
  items: readonly StoredItem[];
}

export class ExperimentFolder {
  readonly folder: string;
  readonly samples: Samples;
  /** undefined for a new folder. */
  readonly before: Before | undefined;
  readonly #lock: Lock;
  #description: ExperimentDescription | undefined;

  private constructor(folder: string, lock: Lock, samples: Samples, before: Before | undefined) {
    this.folder = folder;
    this.#lock = lock;
    this.samples = samples;
    this.before = before;
  }

  /**
   * Makes an experiment's folder, or opens the one that is there; nothing in it changes before `begin`.
   * @throws DataError where it is of another version, or another process writes to it
   */
  static open(folder: string): ExperimentFolder {
    if (existsSync(folder)) refuseEarlier(folder);
    mkdirSync(folder, { recursive: true });
    const lock = new Lock(folder);
    try {
      const before = isExperiment(folder)
        ? { description: readDescription(folder), items: readItems(folder) }
        : undefined;
      return new ExperimentFolder(folder, lock, Samples.open(folder), before);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** One more run writes here. @throws DataError where the folder is of another benchmark */
  begin(
    data: ExperimentData,
    about: Pick<ExperimentDescription, "metrics" | "scheduler">,
    run: Record<string, unknown>,
  ): void {
    const before = this.before?.description;
    if (before && before.benchmark !== data.benchmark) {
      throw new DataError(
        `${this.folder} holds an experiment of ${before.benchmark}, this one is of ${data.benchmark}. Name another folder with --out.`,
      );
    }
    const items = data.items.map(({ id, name, image, fields, reference }) => {
      return { id, name, image, fields, ...(reference !== undefined && { reference }) };
    });
    writeStored(join(this.folder, itemsFile), { items });
    const runs = [...(before?.runs ?? []), run];
    this.#description = { benchmark: data.benchmark, ...about, cells: [], drops: [], ended: false, runs };
  }

  /** The cells of one more model. */
  add(cells: readonly PlannedCell[]): void {
    this.#save(({ cells: known }) => ({ cells: [...known, ...cells] }));
  }

  drop(drops: readonly Drop[]): void {
    if (drops.length > 0) this.#save(({ drops: known }) => ({ drops: [...known, ...drops] }));
  }

  /** Every answer is there: notes what edits and contrasts did in each cell, about these items. */
  attest(items: readonly { id: string }[]): void {
    const { records } = this.samples;
    this.#save(({ cells }) => ({
      ended: true,
      cells: cells.map((cell) => ({
        ...cell,
        attestation: attestationOf(items.flatMap((item) => records.get(recordKey(cell, item)) ?? [])),
      })),
    }));
  }

  close(): void {
    this.samples.close();
    this.#lock.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #save(changes: (description: ExperimentDescription) => Partial<ExperimentDescription>): void {
    const description = this.#description;
    if (description === undefined) throw new Error("The folder has not begun a run.");
    this.#description = { ...description, ...changes(description) };
    writeStored(join(this.folder, descriptionFile), this.#description);
  }
}

/** @throws DataError where the folder is no experiment's, or is of another version */
export function readExperiment(folder: string): StoredExperiment {
  return {
    folder,
    ...readDescription(folder),
    items: readItems(folder),
    records: readRecords(folder),
  };
}

/**
 * What no cell of the experiment needs now: answers of cells and items that were taken out of it.
 * @throws DataError where the last run was interrupted: answers of cells that it would have come to would look stale
 */
export function staleRecords({ folder, ended, cells, items, records }: StoredExperiment): RowRecord[] {
  if (!ended)
    throw new DataError(
      `The last run in ${folder} was interrupted, so it is not known which answers are needed. Let it end first.`,
    );
  const needed = new Set(cells.flatMap((cell) => items.map((item) => recordKey(cell, item))));
  return [...records.values()].filter(({ key }) => !needed.has(key));
}

/** Writes the samples anew without the stale ones, whole or not at all. @throws DataError as `staleRecords`, and where a process writes to them */
export function removeStale(folder: string): void {
  const lock = new Lock(folder);
  try {
    const experiment = readExperiment(folder);
    const stale = new Set(staleRecords(experiment).map(({ key }) => key));
    writeRecords(
      folder,
      [...experiment.records.values()].filter(({ key }) => !stale.has(key)),
    );
  } finally {
    lock.release();
  }
}
