import { DataError } from "../base/data_error";
import { readText } from "./text";

export type JsonRecord = Record<string, unknown>;

export interface PlacedRecord {
  place: string; // "captions.jsonl, line 3": for error messages
  value: JsonRecord;
}

/** The objects of a JSON list or of a JSON-lines file, told apart by content (POPE calls its JSON lines `.json`). */
export function readRecords(file: string): PlacedRecord[] {
  const text = readText(file);
  if (text.trim() === "") throw new DataError(`${file}: the file is empty.`);
  const records = text.trimStart().startsWith("[") ? fromList(file, text) : fromLines(file, text);
  for (const { place, value } of records) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new DataError(`${place}: expected a JSON object, found ${JSON.stringify(value)}.`);
    }
  }
  if (records.length === 0) throw new DataError(`${file}: the list is empty.`);
  return records;
}

function fromList(file: string, text: string): PlacedRecord[] {
  try {
    const list: JsonRecord[] = JSON.parse(text);
    return list.map((value, i) => ({ place: `${file}, item ${i + 1}`, value }));
  } catch (error) {
    throw new DataError(
      `${file}: not a JSON list (${(error as Error).message}); expected [{…}, …] or one object a line.`,
    );
  }
}

function fromLines(file: string, text: string): PlacedRecord[] {
  const lines = text.split("\n").map((line, i) => ({ line, place: `${file}, line ${i + 1}` }));
  const filled = lines.filter(({ line }) => line.trim() !== "");
  return filled.map(({ line, place }, i) => {
    try {
      return { place, value: JSON.parse(line) };
    } catch (error) {
      const cutOff = i === filled.length - 1 && !text.endsWith("\n");
      const hint = cutOff ? "the last line is cut off; remove it or complete it" : (error as Error).message;
      throw new DataError(`${place}: not JSON (${hint}).`);
    }
  });
}
