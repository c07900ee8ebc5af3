import { readAsset } from "../asset";

/** AMBER's words: what a noun must be to count. */
export interface AmberWords {
  /** The 418 words, in lower case but for TV. */
  vocabulary: ReadonlySet<string>;
  /** Word -> words that go with it: to name one of them where the word is true is right, and covers the word. */
  relations: ReadonlyMap<string, readonly string[]>;
  /** Words that are never a hallucination. */
  safe: ReadonlySet<string>;
  /** Pairs that spaCy's medium model calls similar. */
  similar: SimilarWords;
}

/** Pairs of similar words, each with its similarity from -1 to 1. */
export interface SimilarWords {
  pairs: readonly (readonly [word: string, other: string, similarity: number])[];
}

export function amberWords(): AmberWords {
  loaded ??= load();
  return loaded;
}

let loaded: AmberWords | undefined;

function load(): AmberWords {
  const { relations, safe, similar } = readAsset("amber/words") as Asset;
  return {
    vocabulary: new Set([...Object.keys(relations), ...Object.values(relations).flat()]),
    relations: new Map(Object.entries(relations)),
    safe: new Set(safe),
    similar,
  };
}

interface Asset {
  relations: Record<string, string[]>;
  safe: string[];
  similar: SimilarWords;
}
