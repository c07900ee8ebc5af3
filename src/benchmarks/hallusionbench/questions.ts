import { DataError } from "../../base/data_error";
import { checkedId } from "../../data/ids";
import { type PlacedRecord, readRecords } from "../../data/records";
import { textField } from "../question_fields";
import type { YesNo } from "../yes_no";

/** Five keys of the authors' tell a row from all others; `label` is their `gt_answer` in words. */
export interface HallusionQuestion {
  category: string; // VD: needs the figure; VS: the figure adds to what is known
  subcategory: string;
  set_id: string;
  figure_id: string;
  question_id: string;
  question: string;
  label: YesNo;
  filename: string | null; // null where it is asked without a figure
}

/** Reads HallusionBench.json. @throws DataError where a row stands there twice, or lacks what it is scored by */
export function readHallusionBench(file: string): HallusionQuestion[] {
  const seen = new Map<string, string>();
  return readRecords(file).map((record) => {
    const question = readQuestion(record);
    const first = seen.get(keyOf(question));
    if (first)
      throw new DataError(
        `${record.place}: ${keyOf(question)} again (first at ${first}); expected one row a category, subcategory, ` +
          "set_id, figure_id and question_id.",
      );
    seen.set(keyOf(question), record.place);
    return question;
  });
}

export function keyOf(question: HallusionQuestion): string {
  return `${setOf(question)} ${question.figure_id} ${question.question_id}`;
}

/** A figure, the figures edited from it, and all questions about them: what stands and falls together. */
export function setOf({ category, subcategory, set_id }: HallusionQuestion): string {
  return `${category} ${subcategory} ${set_id}`;
}

function readQuestion({ place, value }: PlacedRecord): HallusionQuestion {
  const id = (key: string) => String(checkedId(value[key], key, place));
  return {
    category: textField(value.category, "category", place),
    subcategory: textField(value.subcategory, "subcategory", place),
    set_id: id("set_id"),
    figure_id: id("figure_id"),
    question_id: id("question_id"),
    question: textField(value.question, "question", place),
    label: labelOf(value.gt_answer, place),
    filename: value.filename === null ? null : textField(value.filename, "filename", place),
  };
}

function labelOf(value: unknown, place: string): YesNo {
  if (value === "1") return "yes";
  if (value === "0") return "no";
  throw new DataError(`${place}: gt_answer is ${JSON.stringify(value)}; expected "1" (yes) or "0" (no).`);
}
