/** How many questions there are, and how many of them are distinct. */
export interface QuestionCount {
  asked: number;
  distinct: number;
}

/** "322 distinct questions of 540". */
export function questionsInWords({ asked, distinct }: QuestionCount): string {
  return distinct < asked ? `${distinct} distinct questions of ${asked}` : `${asked} questions`;
}
