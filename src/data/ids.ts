import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../base/data_error";
import { packageRoot } from "../base/package_root";
import { seededRandom, shuffled } from "../base/random";
import { readText } from "./text";

export interface ImageIds {
  ids: string[];
  sha256: string; // of the ids in their order, one a line
  source: string; // where the list comes from
}

/**
 * An image-id list: a file (one id a line, or a JSON list), or the name of a list that ships with the package
 * (`opera-500`: the images of OPERA's released CHAIR results; `demo`: the demo's). Throws on an empty list or a repeated id.
 */
export function readIds(nameOrFile: string): ImageIds {
  const named = namedList(nameOrFile);
  const file = /^[\w-]+$/.test(nameOrFile) && existsSync(named) ? named : nameOrFile;
  if (!existsSync(file)) {
    throw new DataError(
      `There is no file and no list "${nameOrFile}"; the named lists are ${namedLists().join(", ")}.`,
    );
  }
  return imageIds(parse(readText(file), file), file === named ? `list ${nameOrFile}` : nameOrFile);
}

/**
 * A seeded choice from image names. The names are sorted first: the order of a folder listing differs between machines,
 * which is why the lists behind published figures cannot be made again from their seeds.
 */
export function chooseIds(names: readonly string[], count: number, seed: number): ImageIds {
  if (count > names.length)
    throw new DataError(`${count} images were asked for; there are only ${names.length}.`);
  const sorted = [...names].sort();
  const chosen = shuffled(sorted, seededRandom(seed)).slice(0, count);
  return imageIds(chosen, `${count} of ${names.length} sorted names, seed ${seed}`);
}

/**
 * COCO's images (`COCO_val2014_000000001007.jpg`, `000000001007.jpg`) have their number as id; any other name, without its
 * extension, is its own id, numbers with their zeros.
 */
export function imageIdOf(fileName: string): string {
  const stem = fileName.replace(/\.\w+$/, "");
  const digits = /^(?:COCO_\w+_)?(\d{12})$/.exec(stem)?.[1];
  return digits === undefined ? stem : String(Number(digits));
}

/** An id as caption files have it: a number where that says the same, as COCO's do. */
export function numericId(id: string): number | string {
  return /^\d+$/.test(id) && String(Number(id)) === id && Number.isSafeInteger(Number(id)) ? Number(id) : id;
}

/**
 * The id that a JSON file gives. @param what what to call it, such as "the image id". @throws DataError where it is neither a string nor a
 * whole number, or a number so large that JSON's readers round it: another image's could be the same
 */
export function checkedId(id: unknown, what: string, place: string): number | string {
  if (typeof id === "string" || Number.isSafeInteger(id)) return id as number | string;
  if (Number.isInteger(id))
    throw new DataError(
      `${place}: ${what} is about ${id}, and numbers above ${Number.MAX_SAFE_INTEGER} are not read exactly; write it in quotes.`,
    );
  throw new DataError(`${place}: ${what} is ${JSON.stringify(id)}; expected a whole number or a string.`);
}

/** The demo's list lies with its pictures. */
function namedList(name: string): string {
  if (name === "demo") return join(packageRoot(), "demo", "data", "ids.txt");
  return join(packageRoot(), "assets", "ids", `${name}.txt`);
}

function namedLists(): string[] {
  const files = readdirSync(join(packageRoot(), "assets", "ids")).filter((name) => name.endsWith(".txt"));
  return [...files.map((name) => name.slice(0, -4)), "demo"];
}

function parse(text: string, file: string): string[] {
  if (!text.trimStart().startsWith("["))
    return text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const list = parseList(text, file);
  if (!Array.isArray(list)) throw new DataError(`${file}: expected a list of image ids.`);
  return list.map((id, i) => String(checkedId(id, "the image id", `${file}, item ${i + 1}`)));
}

function parseList(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(
      `${file}: not a JSON list of image ids (${(error as Error).message}); one id a line will do, too.`,
    );
  }
}

function imageIds(ids: string[], source: string): ImageIds {
  if (ids.length === 0) throw new DataError(`${source}: there is no image id in it.`);
  const seen = new Set<string>();
  const repeated = ids.find((id) => seen.size === seen.add(id).size);
  if (repeated !== undefined) throw new DataError(`${source}: image id ${repeated} stands there twice.`);
  return { ids, sha256: createHash("sha256").update(ids.join("\n")).digest("hex"), source };
}
