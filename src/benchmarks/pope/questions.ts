import type { QuestionCount } from "../question_count";
import type { PopeQuestion } from "./question_files";

/**
 * What makes two questions one: the same words about the same image, whichever splits and ids they stand under. POPE's
 * positives are the same in all three splits: told apart by split, one answer would count three times.
 */
export function questionOf({ image, text }: Pick<PopeQuestion, "image" | "text">): string {
  return `${image} ${text}`;
}

export function countQuestions(questions: readonly Pick<PopeQuestion, "image" | "text">[]): QuestionCount {
  return { asked: questions.length, distinct: new Set(questions.map(questionOf)).size };
}
