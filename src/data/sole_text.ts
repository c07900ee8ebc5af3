import { DataError } from "../base/data_error";
import type { JsonRecord } from "./records";

/** Keys that hold what a model wrote in some published files, and the question, a reference or the truth in others. */
export const textKeys: readonly string[] = [
  ...["caption", "answer", "text", "ans", "response", "prediction", "pred", "reply", "output", "generated"],
  ...["generation", "generated_text", "model_answer", "model_output", "model_response"],
];

/**
 * Which of the keys holds a text; undefined where none does, the first where they hold the same one.
 * @param what what is looked for. @param option the flag that names its key. @throws DataError where they hold several: one
 * could be what the model wrote, another the truth
 */
export function soleText(
  value: JsonRecord,
  keys: readonly string[],
  place: string,
  what: string,
  option: string,
): string | undefined {
  const found = keys.filter((key) => typeof value[key] === "string");
  if (new Set(found.map((key) => value[key])).size <= 1) return found[0];
  const named = found.map((key) => `"${key}"`).join(" or ");
  throw new DataError(
    `${place}: the ${what} could be ${named}; say which with ${option}, such as ${option} ${found.at(-1)}.`,
  );
}
