import { DataError } from "../../base/data_error";
import { someOf } from "../../base/some_of";
import { checkedId } from "../../data/ids";
import { type JsonRecord, type PlacedRecord, readRecords } from "../../data/records";
import { soleText, textKeys } from "../../data/sole_text";

/** Answers that somebody wrote, by the ids that they have there, and what the file was taken for. */
export interface ReadAnswers {
  layout: string;
  answers: ReadonlyMap<string, string>;
}

export interface AnswerKeys {
  /** What a record answers, where no one key says it. */
  recordId?: ((record: JsonRecord) => string | null | undefined) | undefined;
  /** Key of the id, where it is none of the usual. */
  idKey?: string | undefined;
  /** Key of the answer, where several could be it. */
  answerKey?: string | undefined;
}

/** Where an id and an answer stand in the records of a file. */
interface Layout {
  name: string;
  fits(record: JsonRecord): boolean;
  id(record: JsonRecord): unknown;
  answer(record: JsonRecord): unknown;
}

const idKeys = ["question_id", "image_id", "id", "index"];

/**
 * Reads answers from a JSON list or a JSON-lines file. Known are the samples that lmms-eval logs, and records with an id
 * (`question_id`, `image_id`, `id`, `index`) and an answer under one of the usual keys: LLaVA's, POPE's and AMBER's files.
 * @throws DataError naming the file and the line
 */
export function readAnswers(file: string, keys: AnswerKeys = {}): ReadAnswers {
  const records = readRecords(file);
  const layout = layoutOf(records[0]!, keys);
  const answers = new Map<string, string>();
  for (const { place, value } of records) {
    const given = layout.id(value);
    if (given === null) continue;
    const id = String(checkedId(given, "the id", place));
    const answer = layout.answer(value);
    if (typeof answer !== "string")
      throw new DataError(
        `${place}: the answer is ${JSON.stringify(answer) ?? "not there"}; expected a string.`,
      );
    if (answers.has(id)) throw new DataError(`${place}: id ${id} again; expected one answer each.`);
    answers.set(id, answer);
  }
  refuseFailed(file, answers);
  return { layout: layout.name, answers };
}

const lmmsEval: Layout = {
  name: "samples that lmms-eval logs",
  fits: (record) => "doc" in record && ("filtered_resps" in record || "resps" in record),
  id: ({ doc, doc_id }) => {
    const key = idKeys.find((one) => (doc as JsonRecord)[one] !== undefined);
    return key === undefined ? doc_id : (doc as JsonRecord)[key];
  },
  answer: ({ filtered_resps, resps }) => first(filtered_resps ?? resps),
};

function layoutOf({ place, value }: PlacedRecord, { idKey, answerKey, recordId }: AnswerKeys): Layout {
  if (idKey === undefined && answerKey === undefined && lmmsEval.fits(value)) return lmmsEval;
  const composed = idKey === undefined && recordId?.(value) !== undefined ? recordId : undefined;
  const id = idKey ?? idKeys.find((one) => value[one] !== undefined);
  if (id === undefined)
    throw new DataError(
      `${place}: there is no id (it has ${Object.keys(value).join(", ") || "no keys"}); expected one of ${idKeys.join(", ")}, or --id-key.`,
    );
  const known = textKeys.filter((key) => key !== id);
  const answer = answerKey ?? soleText(value, known, place, "answer", "--answer-key");
  if (answer === undefined)
    throw new DataError(
      `${place}: there is no answer (it has ${Object.keys(value).join(", ")}); expected one of ${known.join(", ")}, or --answer-key.`,
    );
  return {
    name: `records of ${id} and ${answer}`,
    fits: () => true,
    id: composed ?? ((record) => record[id]),
    answer: (record) => record[answer],
  };
}

/** The first element of lists in lists, as the filters of lmms-eval leave them. */
function first(value: unknown): unknown {
  return Array.isArray(value) ? first(value[0]) : value;
}

/** A request that failed has no answer, whatever stands in its place. */
function refuseFailed(file: string, answers: ReadonlyMap<string, string>): void {
  const failed = [...answers].filter(([, answer]) => answer.startsWith("[LMMS_EVAL_REQUEST_FAILED"));
  if (failed.length === 0) return;
  throw new DataError(
    `${file}: ${failed.length} of ${answers.size} requests failed (${someOf(failed.map(([id]) => id))}); have them answered, or leave these lines out.`,
  );
}
