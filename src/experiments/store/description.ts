import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { writeWholeJson } from "../../base/whole_file";
import type { PlannedCell } from "../plan";
import type { Drop } from "../schedule/scheduler";

/** What experiment.json says. A command that amends the experiment replaces it; the samples stay. */
export interface ExperimentDescription {
  benchmark: string;
  metrics: readonly Record<string, unknown>[];
  scheduler: Readonly<Record<string, unknown>>;
  cells: readonly PlannedCell[];
  drops: readonly Drop[];
  /** Whether the last run came to its end: until then cells of models whose turn has not come are not recorded. */
  ended: boolean;
  /** Versions, device and command of every run that wrote here. */
  runs: readonly Record<string, unknown>[];
}

/** What items.json says: what every cell is asked, and what the answers are scored by. */
export interface StoredItems {
  items: readonly StoredItem[];
}

export interface StoredItem {
  /** Of `name` and of the bytes of the image. */
  id: string;
  /** Its id in the data, whatever the picture. */
  name: string;
  /** File name of its image. */
  image: string;
  fields: Record<string, unknown>;
  /** What its answers are scored by, where the data tell it apart from the fields. */
  reference?: unknown;
}

export const descriptionFile = "experiment.json";
export const itemsFile = "items.json";

/** Raised when a reader of older folders would misread newer ones. */
const format = 2;

/** Files of folders that versions before format 2 wrote. */
const earlier = ["run.json", "sweep.json"];

export function isExperiment(folder: string): boolean {
  return existsSync(join(folder, descriptionFile));
}

/** @throws DataError where the folder holds something of an earlier version */
export function refuseEarlier(folder: string): void {
  const file = earlier.find((name) => existsSync(join(folder, name)));
  if (file === undefined) return;
  throw new DataError(
    `${folder} was made by an earlier version (it has ${file}), and this one cannot go on with it or read its settings. ` +
      "Name another folder; its answers stay in samples.jsonl, captions in captions.jsonl, which `aai chair` scores.",
  );
}

/** @throws DataError where the folder is no experiment's, or is of another version */
export function readDescription(folder: string): ExperimentDescription {
  refuseEarlier(folder);
  const file = join(folder, descriptionFile);
  if (!existsSync(file))
    throw new DataError(`${folder} is no experiment's folder: it has no ${descriptionFile}.`);
  return readJson(file);
}

/** @throws DataError */
export function readItems(folder: string): readonly StoredItem[] {
  const file = join(folder, itemsFile);
  if (!existsSync(file)) throw new DataError(`${file} is not there; run the experiment again.`);
  return readJson<StoredItems>(file).items;
}

/** Float arrays become lists: JSON has no other word for them. */
export function writeStored(file: string, value: object): void {
  const plain = JSON.stringify(value, (_, one) => (one instanceof Float32Array ? [...one] : one));
  writeWholeJson(file, { format, ...JSON.parse(plain) });
}

function readJson<Value>(file: string): Value {
  let value: Value & { format: number };
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DataError(`${file} is not JSON (${(error as Error).message}).`);
  }
  if (value.format > format) {
    throw new DataError(
      `${file} has format ${value.format}, made by a newer version; this one reads up to ${format}. Update align-attention.`,
    );
  }
  return value;
}
