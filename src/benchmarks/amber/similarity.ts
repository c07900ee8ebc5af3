import { z } from "zod";
import { DataError } from "../../base/data_error";
import { readText } from "../../data/text";
import { amberWords, type SimilarWords } from "./words";

/** Which words are similar: equal ones only; by spaCy's medium model, as lmms-eval takes it; the pairs of a file. */
export const similarities = ["exact", "lmms-eval", "official"] as const;

export interface SimilarityOptions {
  /** Default "exact". */
  similarity?: (typeof similarities)[number] | undefined;
  /** File of pairs, for "official": those of the large model, which the authors' script loads. */
  similarWords?: string | undefined;
}

/** Whether two of AMBER's words are similar. A word is similar to itself. */
export type Similar = (word: string, other: string) => boolean;

/** @throws DataError where the file is missing, not needed, or no table of AMBER's words */
export function similarityOf({ similarity = "exact", similarWords }: SimilarityOptions): Similar {
  if (similarity === "official" && similarWords === undefined)
    throw new DataError(
      'The similarity "official" needs similarWords, a file of the pairs of similar words.',
    );
  if (similarity !== "official" && similarWords !== undefined)
    throw new DataError(
      `similarWords changes nothing of the similarity "${similarity}"; it is for "official".`,
    );
  if (similarity === "exact") return (word, other) => word === other;
  return similarIn(similarWords === undefined ? amberWords().similar : readSimilarWords(similarWords));
}

/** As in the authors' script. */
const THRESHOLD = 0.8;

const table = z.object({ pairs: z.array(z.tuple([z.string(), z.string(), z.number()])) });

function similarIn({ pairs }: SimilarWords): Similar {
  const similarTo = new Map<string, Set<string>>();
  const add = (word: string, other: string) =>
    similarTo.set(word, (similarTo.get(word) ?? new Set()).add(other));
  for (const [word, other, similarity] of pairs) {
    if (similarity <= THRESHOLD) continue;
    add(word, other);
    add(other, word);
  }
  return (word, other) => word === other || (similarTo.get(word)?.has(other) ?? false);
}

function readSimilarWords(file: string): SimilarWords {
  const { success, data } = table.safeParse(parsed(file));
  if (!success) throw new DataError(`${file}: expected {"pairs": [["word", "other word", similarity], …]}.`);
  const { vocabulary } = amberWords();
  for (const [word, other] of data.pairs)
    for (const one of [word, other])
      if (!vocabulary.has(one))
        throw new DataError(`${file}: "${one}" is none of AMBER's ${vocabulary.size} words.`);
  return data;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError(`${file}: not JSON (${error.message}).`);
    throw error;
  }
}
