import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import { checkedId } from "../../data/ids";
import { readRecords } from "../../data/records";
import type { AmberQuery } from "./folder";

/** The last id of all that AMBER asks. */
const LAST_ID = 15_220;

/**
 * Responses from a file as AMBER's script reads it, `[{"id": 1, "response": "…"}, …]`, joined with what was asked. A
 * file may answer more than these queries, as those do that hold both of AMBER's parts; the rest is left out.
 * @throws DataError where a query has no response, one is no text, or an id is none of AMBER's or stands there twice
 */
export function readAmberResponses<Query extends AmberQuery>(
  file: string,
  queries: readonly Query[],
): (Query & { response: string })[] {
  const responses = new Map<number, string>();
  for (const { place, value } of readRecords(file)) {
    const id = checkedId(value.id, "the id", place);
    if (typeof id !== "number" || id < 1 || id > LAST_ID)
      throw new DataError(
        `${place}: id ${JSON.stringify(id)} has no annotation; AMBER's ids are 1 to ${LAST_ID}.`,
      );
    if (responses.has(id)) throw new DataError(`${place}: id ${id} again; expected one response an id.`);
    if (typeof value.response !== "string")
      throw new DataError(
        `${place}: the response to id ${id} is ${JSON.stringify(value.response) ?? "not there"}; expected a string.`,
      );
    responses.set(id, value.response);
  }
  const missing = queries.filter(({ id }) => !responses.has(id)).map(({ id }) => id);
  if (missing.length > 0)
    throw new DataError(
      `${file}: ${missing.length} of ${queries.length} queries have no response ` +
        `(id ${someOf(missing)}).`,
    );
  return queries.map((query) => ({ ...query, response: responses.get(query.id)! }));
}
