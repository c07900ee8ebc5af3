/**
 * A run on disk: `run.json` (what was asked), `samples.jsonl` (what came of it, the record of truth: a run killed at
 * any moment continues where it stopped), `metrics.json` (what follows from it).
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../data/data_error";
import { format, readDescription, writeWhole } from "./files";
import { differences, identityOf } from "./identity";
import { lock, unlock } from "./lock";
import { Samples } from "./samples";

/** What a run is: `settings` decide its output and are compared on resume; `context` is only recorded. */
export interface RunDescription {
  kind: string;
  settings: Record<string, unknown>;
  context: Record<string, unknown>;
}

export class RunFolder {
  readonly folder: string;
  readonly samples: Samples;

  private constructor(folder: string, samples: Samples) {
    this.folder = folder;
    this.samples = samples;
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
      return new RunFolder(folder, Samples.open(folder));
    } catch (error) {
      unlock(folder);
      throw error;
    }
  }

  finish(metrics: unknown): void {
    writeWhole(join(this.folder, "metrics.json"), metrics);
  }

  close(): void {
    this.samples.close();
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
  return readDescription(join(folder, "run.json"), `${folder} is no run folder: it has no run.json.`);
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
