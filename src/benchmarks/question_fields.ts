/** What question files of several benchmarks have alike. */
import { DataError } from "../base/data_error";
import type { YesNo } from "./yes_no";

/** @throws DataError */
export function textField(value: unknown, key: string, place: string): string {
  if (typeof value === "string") return value;
  throw new DataError(`${place}: "${key}" is ${JSON.stringify(value)}; expected a string.`);
}

/** @throws DataError */
export function labelField(value: unknown, place: string): YesNo {
  const lower = typeof value === "string" ? value.toLowerCase() : value;
  if (lower === "yes" || lower === "no") return lower;
  throw new DataError(`${place}: the label is ${JSON.stringify(value)}; expected yes or no.`);
}
