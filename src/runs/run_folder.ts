/**
 * A run on disk: `run.json` (what was asked, and at the end what edits and contrasts did), `samples.jsonl` (what came
 * of it, the record of truth: a run killed at any moment continues where it stopped), `metrics.json` (what follows).
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../base/data_error";
import { differences, identityOf } from "../base/identity";
import { Lock } from "../base/lock";
import type { ImageDigests } from "../data/image_digests";
import type { RunAttestation } from "../experiments/store/attestation";
import { format, readDescription, writeWhole } from "../experiments/store/files";
import { Samples } from "../experiments/store/samples";

/** What a run is: `settings` decide its output and are compared on resume; `context` is only recorded. */
export interface RunDescription {
  kind: string;
  settings: Record<string, unknown>;
  context: Record<string, unknown>;
}

export class RunFolder {
  readonly folder: string;
  readonly samples: Samples;
  readonly #lock: Lock;
  readonly #description: StoredRun;

  private constructor(folder: string, lock: Lock, samples: Samples, description: StoredRun) {
    this.folder = folder;
    this.#lock = lock;
    this.samples = samples;
    this.#description = description;
  }

  /**
   * Opens a run for writing: makes the folder, or continues the run in it. Without a name it is `runs/<kind>-<hash>`, one for
   * the same settings and pictures. @throws DataError where the folder holds a run with other settings, of a newer format, or
   * one that another process is writing.
   */
  static open(
    name: string | undefined,
    { kind, settings, digests, context }: RunDescription & { digests: ImageDigests },
  ): RunFolder {
    const identity = identityOf({ kind, settings });
    const folder = name ?? join("runs", `${kind}-${identityOf({ identity, digests }).slice(0, 8)}`);
    mkdirSync(folder, { recursive: true });
    const lock = new Lock(folder);
    try {
      const isThere = existsSync(join(folder, "run.json"));
      const description = isThere ? readRun(folder) : { identity, kind, settings, context };
      if (isThere) checkSame(folder, description, { kind, settings });
      else save(folder, description);
      return new RunFolder(folder, lock, Samples.open(folder), description);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Every answer is there: this follows from them. */
  finish(metrics: unknown, attestation: RunAttestation): void {
    writeWhole(join(this.folder, "metrics.json"), metrics);
    save(this.folder, { ...this.#description, attestation });
  }

  close(): void {
    this.samples.close();
    this.#lock.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export interface StoredRun extends RunDescription {
  identity: string;
  /** What edits and contrasts did; once the run has ended. */
  attestation?: RunAttestation;
}

/** run.json of a run folder. @throws DataError where it is none, or of a newer format. */
export function readRun(folder: string): StoredRun {
  return readDescription(join(folder, "run.json"), `${folder} is no run folder: it has no run.json.`);
}

function save(folder: string, description: StoredRun): void {
  writeWhole(join(folder, "run.json"), { format, ...description });
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
