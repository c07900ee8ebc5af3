import { readFileSync } from "node:fs";
import { DataError } from "../base/data_error";

/** The text of a UTF-8 file, without its byte order mark; throws, naming the place, if it is not UTF-8. */
export function readText(file: string): string {
  const bytes = readBytes(file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DataError(`${file}: line ${firstBadLine(bytes)} is not UTF-8; save the file as UTF-8.`);
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DataError(
      code === "ENOENT" ? `There is no file ${file}.` : `${file} cannot be read (${message}).`,
    );
  }
}

function firstBadLine(bytes: Buffer): number {
  const wellFormed = Buffer.from(bytes.toString("utf8"), "utf8"); // a bad byte becomes U+FFFD
  const bad = wellFormed.findIndex((byte, i) => byte !== bytes[i]);
  return bytes.subarray(0, bad).filter((byte) => byte === 0x0a).length + 1;
}
