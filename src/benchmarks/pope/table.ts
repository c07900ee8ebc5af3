import type { Table } from "../../report/tables";
import type { QuestionCount } from "../question_count";
import { splitsTable } from "../tables";
import { popeFigures } from "./figures";
import { countQuestions } from "./questions";
import type { PopeResult } from "./score";
import { MEAN } from "./tally";

/** One row a split, and the mean of the splits; how many answers each is of, and how many of all are to distinct questions. */
export function popeTable({
  metrics,
  intervals,
  answers,
}: Pick<PopeResult, "metrics" | "intervals"> & {
  answers: readonly { split: string; image: string; text: string }[];
}): Table {
  return splitsTable(
    popeFigures,
    { figures: metrics, intervals },
    {
      answers: (split) =>
        split === MEAN
          ? answersInWords(countQuestions(answers))
          : `${answers.filter((answer) => answer.split === split).length}`,
    },
  );
}

function answersInWords({ asked, distinct }: QuestionCount): string {
  return distinct < asked ? `${asked} (${distinct} distinct)` : `${asked}`;
}
