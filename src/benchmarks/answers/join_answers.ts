import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import type { BenchmarkItem } from "../benchmark";

/**
 * Each item with its answer. @param file what to call the answers in errors
 * @throws DataError where items have no answer, answers no item, or an id names several items
 */
export function joinAnswers(
  items: readonly BenchmarkItem[],
  answers: ReadonlyMap<string, string>,
  file: string,
): { item: BenchmarkItem; answer: string }[] {
  const ids = items.map(({ id, answerId = id }) => answerId);
  const known = new Set(ids);
  if (known.size < ids.length) {
    const seen = new Set<string>();
    const twice = new Set(ids.filter((id) => seen.size === seen.add(id).size));
    throw new DataError(
      `${list([...twice])} of the questions stand there several times; score one file of questions at a time.`,
    );
  }
  refuse(
    file,
    [...answers.keys()].filter((id) => !known.has(id)),
    "answers belong to no question",
  );
  refuse(
    file,
    ids.filter((id) => !answers.has(id)),
    "questions have no answer",
  );
  const joined = items.map((item, i) => ({ item, answer: answers.get(ids[i]!)! }));
  const repeated = joined.filter(({ item, answer }) => item.question !== "" && answer === item.question);
  if (repeated.length > 0)
    throw new DataError(
      `${file}: ${repeated.length} of ${joined.length} answers are their questions; name the key of the answer by --answer-key.`,
    );
  return joined;
}

function refuse(file: string, ids: readonly string[], complaint: string): void {
  if (ids.length > 0)
    throw new DataError(
      `${file}: ${ids.length} ${complaint} (${list(ids)}); is it the answers to these questions?`,
    );
}

function list(ids: readonly string[]): string {
  return `id ${someOf(ids)}`;
}
