import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { writeWhole } from "../../base/whole_file";
import type { RowRecord } from "./record";

/** A folder's samples.jsonl, the record of truth: appended and fsynced, so that nothing is lost however an experiment ends. */
export class Samples {
  readonly #records: Map<string, RowRecord>;
  readonly #file: number;

  private constructor(records: Map<string, RowRecord>, file: number) {
    this.#records = records;
    this.#file = file;
  }

  /** @throws DataError where a line is no record */
  static open(folder: string): Samples {
    repair(folder);
    return new Samples(readRecords(folder), openSync(join(folder, "samples.jsonl"), "a"));
  }

  /** Finished records by key; a failure that was tried again and succeeded counts as done. */
  get records(): ReadonlyMap<string, RowRecord> {
    return this.#records;
  }

  /** On disk, and whole, when it returns. @throws where the disk takes no more; what it had taken of the record is cut off */
  append(record: RowRecord): void {
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    const before = fstatSync(this.#file).size;
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
      fsyncSync(this.#file);
    } catch (error) {
      this.#cutTo(before);
      throw error;
    }
    this.#records.set(record.key, record);
  }

  close(): void {
    closeSync(this.#file);
  }

  #cutTo(size: number): void {
    try {
      ftruncateSync(this.#file, size);
    } catch {
      // Whoever opens the samples next cuts off what is no whole line.
    }
  }
}

/**
 * The records of an experiment by key, the last one of a key counting; a last line that was cut short is left out. In the order of
 * their keys, whichever row ended first: bootstrap intervals depend on the order. @throws DataError
 */
export function readRecords(folder: string): Map<string, RowRecord> {
  const file = join(folder, "samples.jsonl");
  const records = new Map<string, RowRecord>();
  if (!existsSync(file)) return records;
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  for (const [index, line] of lines.entries()) {
    try {
      const record = JSON.parse(line) as RowRecord;
      records.set(record.key, record);
    } catch {
      throw new DataError(
        `${file}, line ${index + 1} is not JSON. Delete the line to have its sample done again.`,
      );
    }
  }
  return new Map([...records].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes all of a folder's records anew, whole or not at all. */
export function writeRecords(folder: string, records: readonly RowRecord[]): void {
  writeWhole(join(folder, "samples.jsonl"), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

/** Cuts off a last line that a crash cut short, so that the next one starts on a line of its own. */
function repair(folder: string): void {
  const file = join(folder, "samples.jsonl");
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf("\n") + 1;
  if (whole < bytes.length) truncateSync(file, whole);
}
