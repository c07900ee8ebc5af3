import type { Table } from "../../report/tables";
import type { Summary } from "../benchmark";
import { resultsTable } from "../tables";
import { amberQuestionFigures } from "./figures";
import type { ScoredReply } from "./scored_reply";
import { groupsOf } from "./tally";

/** One row a type, and all of them; how many answers each is of. */
export function amberQuestionTable(replies: readonly ScoredReply[], { figures, intervals }: Summary): Table {
  const shown = Object.keys(amberQuestionFigures);
  const of = <Value>(table: Record<string, Value>, group: string) =>
    Object.fromEntries(shown.map((figure) => [figure, table[`${group} ${figure}`] as Value]));
  return resultsTable(
    groupsOf(replies).map(({ name, types }) => ({
      name,
      values: of(figures, name),
      intervals: of(intervals, name),
      more: [`${replies.filter(({ type }) => types.includes(type)).length}`],
    })),
    amberQuestionFigures,
    shown,
    ["answers"],
  );
}
