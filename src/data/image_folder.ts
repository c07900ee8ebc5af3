import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { DataError } from "../base/data_error";
import { imageIdOf } from "./ids";

/** What a folder of images holds. */
export interface ImageFolder {
  /** Image id -> file name, in the order of the names. */
  files: ReadonlyMap<string, string>;
  /** Names of what else lies there, and is no image. */
  others: readonly string[];
}

/**
 * The images of a folder: files with an image's extension whose names do not begin with a period (macOS puts a `._name`
 * beside every `name`). Links count as the files that they lead to; one that leads nowhere is an image that cannot be read.
 * Subfolders are not looked into. @throws DataError where there is no image, or two files have one id
 */
export function imageFolder(folder: string): ImageFolder {
  const entries = entriesOf(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  const images = entries.filter((entry) => hasImageName(entry.name) && isFile(folder, entry));
  if (images.length === 0)
    throw new DataError(`There is no image (${imageExtensions.join(", ")}) in ${folder}.`);
  const files = new Map<string, string>();
  for (const { name } of images) {
    const id = imageIdOf(name);
    const first = files.get(id);
    if (first !== undefined)
      throw new DataError(
        `${first} and ${name} in ${folder} are both image ${id} (COCO's names count by their number, others without ` +
          "their extension). Rename one, or move it elsewhere.",
      );
    files.set(id, name);
  }
  const known = new Set(images);
  return { files, others: entries.filter((entry) => !known.has(entry)).map(({ name }) => name) };
}

/** The extensions of the formats that the worker reads, as Pillow names them. */
export const imageExtensions: readonly string[] = [
  ...["png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff", "avif"],
  ...["ppm", "pgm", "pbm", "pnm", "pfm"],
];

function entriesOf(folder: string): Dirent[] {
  if (!existsSync(folder))
    throw new DataError(`There is no folder ${folder}; expected the path of a folder of images.`);
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new DataError(`${folder} cannot be read as a folder of images (${(error as Error).message}).`);
  }
}

function hasImageName(name: string): boolean {
  return !name.startsWith(".") && imageExtensions.includes(extname(name).slice(1).toLowerCase());
}

function isFile(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile();
  try {
    return statSync(join(folder, entry.name)).isFile();
  } catch {
    return true; // leads nowhere: whoever reads it will say so
  }
}
