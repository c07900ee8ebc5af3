import { renameSync, writeFileSync } from "node:fs";

/** Writes a text whole or not at all, also when the machine stops. */
export function writeWhole(file: string, text: string): void {
  const part = `${file}.part`;
  writeFileSync(part, text, { flush: true });
  renameSync(part, file);
}

/** The same of a value as JSON. */
export function writeWholeJson(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}
