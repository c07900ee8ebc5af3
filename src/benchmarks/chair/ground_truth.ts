import { DataError } from "../../base/data_error";
import { readText } from "../../data/text";

/** Image id -> the classes that are in the image. */
export type GroundTruth = Readonly<Record<string, readonly string[]>>;

/** Reads a JSON file `{"<image id>": ["class", …], …}`. */
export function readGroundTruth(file: string): GroundTruth {
  return readLists(file, "image id", "class names");
}

/** Reads an object list other than COCO's, `{"<class>": ["synonym", …], …}`. */
export function readObjectList(file: string): Readonly<Record<string, readonly string[]>> {
  return readLists(file, "class", "synonyms");
}

function readLists(file: string, key: string, values: string): Record<string, string[]> {
  const data = parse(file);
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new DataError(`${file}: expected an object from ${key} to ${values}.`);
  }
  for (const [name, list] of Object.entries(data)) {
    if (!Array.isArray(list) || !list.every((one) => typeof one === "string")) {
      throw new DataError(
        `${file}: ${key} ${name} has ${JSON.stringify(list)}; expected a list of ${values}.`,
      );
    }
  }
  if (Object.keys(data).length === 0) throw new DataError(`${file}: there is no ${key} in it.`);
  return data as Record<string, string[]>;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError(`${file}: not JSON (${error.message}).`);
    throw error;
  }
}
