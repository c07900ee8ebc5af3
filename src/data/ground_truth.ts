import { DataError } from "./data_error";
import { readText } from "./text";

/** Image id -> the classes that are in the image. */
export type GroundTruth = Readonly<Record<string, readonly string[]>>;

/** Reads a JSON file `{"<image id>": ["class", …], …}`. */
export function readGroundTruth(file: string): GroundTruth {
  const data = parse(file);
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new DataError(`${file}: expected an object from image id to class names.`);
  }
  for (const [id, classes] of Object.entries(data)) {
    if (!Array.isArray(classes) || !classes.every((name) => typeof name === "string")) {
      throw new DataError(
        `${file}: image ${id} has ${JSON.stringify(classes)}; expected a list of class names.`,
      );
    }
  }
  if (Object.keys(data).length === 0) throw new DataError(`${file}: there is no image in it.`);
  return data as GroundTruth;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError(`${file}: not JSON (${error.message}).`);
    throw error;
  }
}
