import type { Table } from "../../report/tables";
import type { QuestionCount } from "../question_count";
import { resultsTable } from "../tables";
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
  const splits = [...new Set(Object.keys(metrics).map((name) => name.slice(0, name.lastIndexOf(" "))))];
  const shown = Object.keys(popeFigures);
  const of = <Value>(table: Record<string, Value>, split: string) =>
    Object.fromEntries(shown.map((figure) => [figure, table[`${split} ${figure}`] as Value]));
  const count = (split: string) =>
    split === MEAN
      ? answersInWords(countQuestions(answers))
      : `${answers.filter((answer) => answer.split === split).length}`;
  return resultsTable(
    splits.map((split) => ({
      name: split,
      values: of(metrics, split),
      intervals: of(intervals, split),
      more: [count(split)],
    })),
    popeFigures,
    shown,
    ["answers"],
  );
}

function answersInWords({ asked, distinct }: QuestionCount): string {
  return distinct < asked ? `${asked} (${distinct} distinct)` : `${asked}`;
}
