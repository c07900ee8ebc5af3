import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { chooseIds, type ImageIds, imageIdOf, type PopeQuestion, readIds } from "../data";
import { DataError } from "../data/data_error";

/** A list of ids (file, or the name of one that ships), or so many images chosen by seed from the sorted names. */
export type ImageChoice = string | { count: number; seed: number };

/** Image id -> file name, of the images in a folder. @throws DataError */
export function imageFiles(folder: string): Map<string, string> {
  if (!existsSync(folder))
    throw new DataError(`There is no folder ${folder}; --data-path names a folder of images.`);
  const names = readdirSync(folder).filter((name) => /\.(png|jpe?g|webp|bmp)$/i.test(name));
  if (names.length === 0) throw new DataError(`There is no image (png, jpg, webp, bmp) in ${folder}.`);
  return new Map(names.sort().map((name) => [imageIdOf(name), name]));
}

/** The ids that are asked for. @throws DataError where one has no file */
export function chosenIds(ids: ImageChoice, files: ReadonlyMap<string, string>): ImageIds {
  if (typeof ids !== "string") return chooseIds([...files.keys()], Math.min(ids.count, files.size), ids.seed);
  const list = readIds(ids);
  const missing = list.ids.filter((id) => !files.has(id));
  if (missing.length === 0) return list;
  const shown = missing.slice(0, 10).join(", ");
  throw new DataError(
    `${missing.length} of the ${list.ids.length} images of ${ids} are not in the folder: ${shown}${missing.length > 10 ? " …" : ""}.`,
  );
}

/** COCO's ids are numbers, others are names. */
export const numericId = (id: string) => (/^\d+$/.test(id) ? Number(id) : id);

/** @throws DataError where questions are about images that are not there */
export function requireImages(folder: string, questions: readonly PopeQuestion[]): void {
  const missing = [...new Set(questions.map(({ image }) => image))].filter(
    (name) => !existsSync(join(folder, name)),
  );
  if (missing.length === 0) return;
  const shown = missing.slice(0, 5).join(", ");
  throw new DataError(
    `${missing.length} images that the questions name are not in ${folder}: ${shown}${missing.length > 5 ? " …" : ""}.`,
  );
}
