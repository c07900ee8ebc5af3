/**
 * A run on disk: `run.json` (what was asked), `samples.jsonl` (what came of it, the record of truth: appended and
 * fsynced, so that a run killed at any moment continues where it stopped), `metrics.json` (what follows from it).
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DataError } from "../data/data_error";
import { differences, identityOf } from "./identity";

/** Raised when a reader of older runs would misread newer ones. */
const format = 1;

/** What a run is: `settings` decide its output and are compared on resume; `context` is only recorded. */
export interface RunDescription {
  kind: string;
  settings: Record<string, unknown>;
  context: Record<string, unknown>;
}

/** One line of samples.jsonl. `key` is unique in a run. */
export interface RunRecord {
  key: string;
  status: "done" | "failed";
  [field: string]: unknown;
}

export class RunFolder {
  readonly folder: string;
  readonly #records: Map<string, RunRecord>;
  #samples: number;

  private constructor(folder: string, records: Map<string, RunRecord>) {
    this.folder = folder;
    this.#records = records;
    this.#samples = openSync(join(folder, "samples.jsonl"), "a");
  }

  /**
   * Opens a run for writing: makes the folder (without a name, `runs/<kind>-<identity>`, one a setting), or continues the run in it. @throws DataError where the folder holds a
   * run with other settings, of a newer format, or one that another process is writing.
   */
  static open(name: string | undefined, { kind, settings, context }: RunDescription): RunFolder {
    const identity = identityOf({ kind, settings });
    const folder = name ?? join("runs", `${kind}-${identity.slice(0, 8)}`);
    mkdirSync(folder, { recursive: true });
    lock(folder);
    try {
      const file = join(folder, "run.json");
      if (existsSync(file)) checkSame(folder, readRun(folder), { kind, settings });
      else writeWhole(file, { format, identity, kind, settings, context });
      repair(folder);
      return new RunFolder(folder, readRecords(folder));
    } catch (error) {
      unlock(folder);
      throw error;
    }
  }

  /** Finished records by key; a failure that was tried again and succeeded counts as done. */
  get records(): ReadonlyMap<string, RunRecord> {
    return this.#records;
  }

  /** On disk when it returns. */
  append(records: readonly RunRecord[]): void {
    writeSync(this.#samples, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    fsyncSync(this.#samples);
    for (const record of records) this.#records.set(record.key, record);
  }

  finish(metrics: unknown): void {
    writeWhole(join(this.folder, "metrics.json"), metrics);
  }

  close(): void {
    closeSync(this.#samples);
    unlock(this.folder);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export interface StoredRun extends RunDescription {
  identity: string;
}

/** run.json of a run folder. @throws DataError where it is none, or of a newer format. */
export function readRun(folder: string): StoredRun {
  const file = join(folder, "run.json");
  if (!existsSync(file)) throw new DataError(`${folder} is no run folder: it has no run.json.`);
  let run: StoredRun & { format: number };
  try {
    run = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DataError(`${file} is not JSON (${(error as Error).message}).`);
  }
  if (run.format > format) {
    throw new DataError(
      `${file} has format ${run.format}, made by a newer version; this one reads up to ${format}. Update align-attention.`,
    );
  }
  return run;
}

/** The records of a run by key, the last one of a key counting; a last line that was cut short is left out. @throws DataError */
export function readRecords(folder: string): Map<string, RunRecord> {
  const file = join(folder, "samples.jsonl");
  const records = new Map<string, RunRecord>();
  if (!existsSync(file)) return records;
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  for (const [index, line] of lines.entries()) {
    try {
      const record = JSON.parse(line) as RunRecord;
      records.set(record.key, record);
    } catch {
      throw new DataError(
        `${file}, line ${index + 1} is not JSON. Delete the line to have its sample done again.`,
      );
    }
  }
  return records;
}

/** Cuts off a last line that a crash cut short, so that the next one starts on a line of its own. */
function repair(folder: string): void {
  const file = join(folder, "samples.jsonl");
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf("\n") + 1;
  if (whole < bytes.length) truncateSync(file, whole);
}

function checkSame(
  folder: string,
  stored: StoredRun,
  { kind, settings }: Pick<RunDescription, "kind" | "settings">,
): void {
  if (stored.identity === identityOf({ kind, settings })) return;
  const changed = differences({ kind: stored.kind, ...stored.settings }, { kind, ...settings });
  throw new DataError(
    `${folder} holds a run with other settings, and results are never mixed:\n  ${changed.join("\n  ")}\nName another folder with --out, or give the settings of this one.`,
  );
}

/** Whole or not at all, also when the machine stops. */
function writeWhole(file: string, value: unknown): void {
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
  renameSync(part, file);
}

function lock(folder: string): void {
  const file = join(folder, "lock");
  const holder = existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
  if (holder !== undefined && holder !== process.pid && isRunning(holder)) {
    throw new DataError(
      `Another process (pid ${holder}) is writing the run in ${folder}. Wait for it, or end it.`,
    );
  }
  writeFileSync(file, String(process.pid));
}

function unlock(folder: string): void {
  rmSync(join(folder, "lock"), { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
