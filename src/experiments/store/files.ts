import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { DataError } from "../../base/data_error";

/** Raised when a reader of older runs would misread newer ones. */
export const format = 1;

/** Writes JSON whole or not at all, also when the machine stops. */
export function writeWhole(file: string, value: unknown): void {
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
  renameSync(part, file);
}

/** The JSON that a run was described by. @throws DataError where there is none, or one of a newer format */
export function readDescription<Description>(file: string, absent: string): Description {
  if (!existsSync(file)) throw new DataError(absent);
  let description: Description & { format: number };
  try {
    description = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DataError(`${file} is not JSON (${(error as Error).message}).`);
  }
  if (description.format > format) {
    throw new DataError(
      `${file} has format ${description.format}, made by a newer version; this one reads up to ${format}. Update align-attention.`,
    );
  }
  return description;
}
