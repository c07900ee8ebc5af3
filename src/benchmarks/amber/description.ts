import type { AmberImage } from "./images";
import { amberNouns } from "./nouns";
import type { Similar } from "./similarity";
import { amberWords } from "./words";

/** What a model wrote of an image. */
export interface AmberResponse extends AmberImage {
  response: string;
}

/** A response as AMBER reads it. */
export interface AmberDescription extends AmberResponse {
  /** Those of AMBER's words that it names, in order, repeated ones repeated. */
  nouns: readonly string[];
  /** For every noun, whether it is a hallucination. */
  flagged: readonly boolean[];
  /** For every word of `truth`, whether the response names it. */
  covered: readonly boolean[];
  /** For every word of `hallu`, whether the response names it. */
  imagined: readonly boolean[];
}

/**
 * Reads one response as AMBER's inference.py does. A noun that is a true word, goes with one or is similar to one
 * covers it, the first of several. Every other is a hallucination, but for words that are always safe; those cover nothing.
 * One of `hallu` counts as imagined also where it is similar to a true word, and a noun may be both the same as one and
 * similar to an earlier one.
 */
export function readDescription(response: AmberResponse, similar: Similar): AmberDescription {
  const truth = candidatesOf(response.truth);
  const hallu = candidatesOf(response.hallu);
  const covered = response.truth.map(() => false);
  const imagined = response.hallu.map(() => false);
  const { safe } = amberWords();
  const isFlagged = (noun: string): boolean => {
    if (safe.has(noun)) return false;
    const isSame = ({ word }: Candidate) => word === noun;
    const isSimilar = ({ word }: Candidate) => similar(noun, word);
    const same = truth.find(isSame);
    if (same === undefined)
      for (const one of [hallu.find(isSame), hallu.find(isSimilar)]) if (one) imagined[one.entry] = true;
    const right = same ?? truth.find(isSimilar);
    if (right) covered[right.entry] = true;
    return right === undefined;
  };
  const nouns = amberNouns(response.response);
  return { ...response, nouns, flagged: nouns.map(isFlagged), covered, imagined };
}

/** A word that stands for an entry of a list. */
interface Candidate {
  word: string;
  entry: number;
}

/** What goes with the entries, then the entries themselves. */
function candidatesOf(entries: readonly string[]): Candidate[] {
  const { relations } = amberWords();
  const associated = entries.flatMap((name, entry) =>
    (relations.get(name) ?? []).map((word) => ({ word, entry })),
  );
  return [...associated, ...entries.map((word, entry) => ({ word, entry }))];
}
