import { DataError } from "../../base/data_error";
import { groups } from "../../base/groups";
import { checkedId } from "../../data/ids";
import { readRecords } from "../../data/records";
import { labelField, textField } from "../question_fields";
import type { YesNo } from "../yes_no";

export interface MmeQuestion {
  question_id: number | string; // begins at 1 again in every task
  image: string; // its file, the task's folder before it
  text: string;
  label: YesNo;
  setting: string; // the task
}

/** Every image of a task is asked about so often: what makes accuracy+. */
export const PER_IMAGE = 2;

/**
 * Reads questions of one or more tasks as SHIELD has MME's: JSON lines {question_id, image, text, label, setting}.
 * @throws DataError where an id stands twice in a task, or an image of a task has not two questions
 */
export function readMme(file: string): MmeQuestion[] {
  const seen = new Map<string, string>();
  const questions = readRecords(file).map(({ place, value }): MmeQuestion => {
    const question = {
      question_id: checkedId(value.question_id, "question_id", place),
      image: textField(value.image, "image", place),
      text: textField(value.text, "text", place),
      label: labelField(value.label, place),
      setting: textField(value.setting, "setting", place),
    };
    const first = seen.get(keyOf(question));
    if (first)
      throw new DataError(
        `${place}: question_id ${question.question_id} of ${question.setting} again (first at ${first}); ` +
          "expected it once.",
      );
    seen.set(keyOf(question), place);
    return question;
  });
  requirePairs(file, questions);
  return questions;
}

/** Unique among all tasks. */
export function keyOf({ setting, question_id }: Pick<MmeQuestion, "setting" | "question_id">): string {
  return `${setting} ${question_id}`;
}

/** What is drawn again for intervals: COCO's pictures, ten of which stand in two tasks' folders, by their number. */
export function pictureOf({ image }: Pick<MmeQuestion, "image">): string {
  return /(?:^|\/)(\d{12}\.\w+)$/.exec(image)?.[1] ?? image;
}

function requirePairs(file: string, questions: readonly MmeQuestion[]): void {
  const images = groups(questions, ({ setting, image }) => `${setting} ${image}`);
  const odd = images.filter(({ length }) => length !== PER_IMAGE);
  if (odd.length === 0) return;
  const { setting, image } = odd[0]![0]!;
  throw new DataError(
    `${file}: ${odd.length} images have not ${PER_IMAGE} questions in a task, such as ${image} ` +
      `with ${odd[0]!.length} in ${setting}; accuracy+ needs them.`,
  );
}
