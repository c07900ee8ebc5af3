import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import { checkedId } from "../../data/ids";
import { type PlacedRecord, readRecords } from "../../data/records";

/** What AMBER asks, as its query files have it. */
export interface AmberQuery {
  /** 1 to 1004 ask for a caption, 1005 to 15220 yes or no. */
  id: number;
  /** File name: AMBER_1.jpg. */
  image: string;
  query: string;
}

/** A query and the entry of `annotations.json` with its id. */
export interface AnnotatedQuery {
  query: AmberQuery;
  annotation: PlacedRecord;
}

/**
 * The queries of the files in AMBER's folder whose names begin so, each once, in the order of their ids.
 * @param folder with `annotations.json`; the queries beside it, or in its folder `query` as AMBER's repository has them
 * @throws DataError where a file is missing or no list of queries, or a query has no annotation
 */
export function annotatedQueries(
  folder: string,
  prefix: "query_generative" | "query_discriminative",
): AnnotatedQuery[] {
  const files = queryFiles(folder, prefix);
  const annotations = annotationsById(join(folder, "annotations.json"));
  const queries = new Map<number, AmberQuery>();
  for (const { place, value } of files.flatMap((file) => readRecords(file))) {
    const query = queryOf(place, value);
    const first = queries.get(query.id) ?? query;
    if (first.image !== query.image || first.query !== query.query)
      throw new DataError(`${place}: id ${query.id} asks something else than in another file of ${folder}.`);
    queries.set(query.id, query);
  }
  const without = [...queries.keys()].filter((id) => !annotations.has(id));
  if (without.length > 0)
    throw new DataError(
      `${without.length} queries of ${folder} have no annotation in annotations.json: ` +
        `id ${someOf(without)}.`,
    );
  return [...queries.values()]
    .sort((a, b) => a.id - b.id)
    .map((query) => ({ query, annotation: annotations.get(query.id)! }));
}

function queryFiles(folder: string, prefix: string): string[] {
  if (!isFolder(folder)) throw new DataError(`There is no folder ${folder}; expected that of AMBER's files.`);
  const files = [folder, join(folder, "query")].filter(isFolder).flatMap((one) =>
    readdirSync(one)
      .filter((name) => name.startsWith(prefix) && name.endsWith(".json"))
      .map((name) => join(one, name)),
  );
  if (files.length > 0) return files.sort();
  throw new DataError(
    `There is no ${prefix}.json in ${folder} or its folder "query"; expected AMBER's files.`,
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function annotationsById(file: string): Map<number, PlacedRecord> {
  const annotations = new Map<number, PlacedRecord>();
  for (const record of readRecords(file)) {
    const id = idOf(record.place, record.value.id);
    if (annotations.has(id)) throw new DataError(`${record.place}: id ${id} stands there twice.`);
    annotations.set(id, record);
  }
  return annotations;
}

function queryOf(place: string, { id, image, query }: PlacedRecord["value"]): AmberQuery {
  if (typeof image !== "string" || typeof query !== "string")
    throw new DataError(`${place}: expected a query, {"id": 1, "image": "AMBER_1.jpg", "query": "…"}.`);
  return { id: idOf(place, id), image, query };
}

function idOf(place: string, id: unknown): number {
  const checked = checkedId(id, "the id", place);
  if (typeof checked === "number") return checked;
  throw new DataError(`${place}: the id is ${JSON.stringify(id)}; expected a whole number.`);
}
