import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { DataError } from "../../base/data_error";
import { checkedId } from "../../data/ids";
import { arrayElements } from "../../data/json_array";
import type { GroundTruth } from "./ground_truth";
import { cocoObjects } from "./reading/objects";
import { readCaption } from "./reading/read_caption";

export interface CocoGroundTruth {
  objects: GroundTruth;
  sources: string[]; // the annotation files it was made of
}

export interface CocoOptions {
  instancesOnly?: boolean; // leave out the objects that only the reference captions name
  cacheFolder?: string; // default $XDG_CACHE_HOME/align-attention or ~/.cache/align-attention
}

/**
 * CHAIR's ground truth from COCO's own annotation files: per image the classes of its instances and those its reference
 * captions mention. Reads whichever of instances_{train,val}{2014,2017}.json and captions_{train,val}2014.json lie in
 * the folder, once: the result is cached under the hash of their content.
 */
export function cocoGroundTruth(folder: string, options: CocoOptions = {}): CocoGroundTruth {
  const { instancesOnly = false, cacheFolder = defaultCacheFolder() } = options;
  const instances = present(folder, INSTANCES);
  const captions = instancesOnly ? [] : present(folder, CAPTIONS);
  if (instances.length === 0) {
    throw new DataError(
      `There is no COCO annotation in "${folder}"; expected at least one of ${INSTANCES.join(", ")}.`,
    );
  }
  const files = [...instances, ...captions];
  const cache = join(cacheFolder, `coco-ground-truth-${contentHash(files)}.json`);
  const known = cached(cache);
  if (known) return known;
  const objects = new Map<string, Set<string>>();
  for (const file of instances) addInstances(objects, file);
  for (const file of captions) addCaptions(objects, file);
  const entries = [...objects].map(([id, classes]) => [id, [...classes].sort()]);
  const groundTruth = { objects: Object.fromEntries(entries), sources: files.map((file) => basename(file)) };
  save(cacheFolder, cache, groundTruth);
  return groundTruth;
}

const INSTANCES = ["train2014", "val2014", "train2017", "val2017"].map((split) => `instances_${split}.json`);
const CAPTIONS = ["train2014", "val2014"].map((split) => `captions_${split}.json`);
const VERSION = "1"; // raise when the same files come to mean other classes

/** undefined where there is none yet, or a disk that was full has cut it off: it is made again. */
function cached(file: string): CocoGroundTruth | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function defaultCacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "align-attention");
}

function present(folder: string, names: string[]): string[] {
  return names.map((name) => join(folder, name)).filter((file) => existsSync(file));
}

function contentHash(files: string[]): string {
  const hash = createHash("sha256").update(VERSION);
  for (const file of files)
    hash.update(basename(file)).update(createHash("sha256").update(readFileSync(file)).digest());
  return hash.digest("hex").slice(0, 16);
}

/** Every image of the file is known, also one without any object. */
function addInstances(objects: Map<string, Set<string>>, file: string): void {
  const classes = new Set(cocoObjects().classOf.values());
  const nameOf = new Map<unknown, string>();
  for (const { id, name } of elements<{ id: number; name: string }>(file, "categories")) {
    if (!classes.has(name)) throw new DataError(`${file}: category "${name}" is none of COCO's 80 classes.`);
    nameOf.set(id, name);
  }
  for (const { id } of elements<{ id: unknown }>(file, "images")) classesOf(objects, id, file);
  for (const one of elements<{ image_id: unknown; category_id: number }>(file, "annotations")) {
    const name = nameOf.get(one.category_id);
    if (name === undefined)
      throw new DataError(`${file}: category ${one.category_id} is not among its categories.`);
    classesOf(objects, one.image_id, file).add(name);
  }
}

function addCaptions(objects: Map<string, Set<string>>, file: string): void {
  for (const { image_id, caption } of elements<{ image_id: unknown; caption: string }>(file, "annotations")) {
    for (const { object } of readCaption(caption).mentions) classesOf(objects, image_id, file).add(object);
  }
}

function classesOf(objects: Map<string, Set<string>>, imageId: unknown, file: string): Set<string> {
  const id = String(checkedId(imageId, "an image id", file));
  const classes = objects.get(id) ?? new Set();
  objects.set(id, classes);
  return classes;
}

function* elements<T>(file: string, key: string): Generator<T> {
  try {
    yield* arrayElements(readFileSync(file), key) as Generator<T>;
  } catch (error) {
    throw new DataError(`${file} is not a COCO annotation file: ${(error as Error).message}.`);
  }
}

function save(folder: string, file: string, groundTruth: CocoGroundTruth): void {
  mkdirSync(folder, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(groundTruth));
  renameSync(unfinished, file);
}
