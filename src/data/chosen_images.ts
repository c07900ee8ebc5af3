import { lstatSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../base/data_error";
import { someOf } from "../base/some_of";
import { chooseIds, type ImageIds, readIds } from "./ids";

/** A list of ids (file, or the name of one that ships), or so many images chosen by seed from the sorted names. */
export type ImageChoice = string | { count: number; seed: number };

/** The ids that are asked for. @throws DataError where one has no file */
export function chosenIds(ids: ImageChoice, files: ReadonlyMap<string, string>): ImageIds {
  if (typeof ids !== "string") return chooseIds([...files.keys()], Math.min(ids.count, files.size), ids.seed);
  const list = readIds(ids);
  const missing = list.ids.filter((id) => !files.has(id));
  if (missing.length === 0) return list;
  throw new DataError(
    `${missing.length} of the ${list.ids.length} images of ${ids} are not in the folder: ${someOf(missing)}.`,
  );
}

/** @throws DataError where images that questions name are not in the folder */
export function requireImages(folder: string, names: Iterable<string>): void {
  const missing = [...new Set(names)].filter(
    (name) => lstatSync(join(folder, name), { throwIfNoEntry: false }) === undefined,
  );
  if (missing.length === 0) return;
  throw new DataError(
    `${missing.length} images that the questions name are not in ${folder}: ${someOf(missing)}.`,
  );
}
