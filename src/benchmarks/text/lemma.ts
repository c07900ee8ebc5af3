import { readAsset } from "../asset";

export type PartOfSpeech = "n" | "v" | "a" | "r";

/**
 * The WordNet 3.0 lemma of a word as NLTK's `WordNetLemmatizer` gives it: of the word itself and what the exception
 * list (else Morphy's suffix rules) makes of it, the shortest that WordNet knows as this part of speech, the first of
 * equals; the word itself if it knows none. WordNet's words are in lower case: of "Trees" it knows none.
 */
export function lemma(word: string, partOfSpeech: PartOfSpeech): string {
  const { lemmas, exceptions } = wordnet()[partOfSpeech];
  const forms = [word, ...(exceptions.get(word) ?? applyRules(word, partOfSpeech))];
  const known = forms.filter((form) => lemmas.has(form));
  return known.length === 0 ? word : known.reduce((best, form) => (form.length < best.length ? form : best));
}

/** PAI's mapping of Penn Treebank tags; everything else is looked up as a noun. */
export function partOfSpeech(tag: string): PartOfSpeech {
  if (tag.startsWith("J")) return "a";
  if (tag.startsWith("V")) return "v";
  if (tag.startsWith("R")) return "r";
  return "n";
}

const RULES: Record<PartOfSpeech, [suffix: string, replacement: string][]> = {
  n: [
    ["s", ""],
    ["ses", "s"],
    ["ves", "f"],
    ["xes", "x"],
    ["zes", "z"],
    ["ches", "ch"],
    ["shes", "sh"],
    ["men", "man"],
    ["ies", "y"],
  ],
  v: [
    ["s", ""],
    ["ies", "y"],
    ["es", "e"],
    ["es", ""],
    ["ed", "e"],
    ["ed", ""],
    ["ing", "e"],
    ["ing", ""],
  ],
  a: [
    ["er", ""],
    ["est", ""],
    ["er", "e"],
    ["est", "e"],
  ],
  r: [],
};

interface Lexicon {
  lemmas: Set<string>;
  exceptions: Map<string, string[]>;
}

let loaded: Record<PartOfSpeech, Lexicon> | undefined;

function wordnet(): Record<PartOfSpeech, Lexicon> {
  if (loaded) return loaded;
  const asset = readAsset("text/wordnet") as Record<
    PartOfSpeech,
    { lemmas: string[]; exceptions: Record<string, string[]> }
  >;
  const lexicon = (pos: PartOfSpeech): Lexicon => ({
    lemmas: new Set(asset[pos].lemmas),
    exceptions: new Map(Object.entries(asset[pos].exceptions)),
  });
  loaded = { n: lexicon("n"), v: lexicon("v"), a: lexicon("a"), r: lexicon("r") };
  return loaded;
}

function applyRules(word: string, partOfSpeech: PartOfSpeech): string[] {
  return RULES[partOfSpeech]
    .filter(([suffix]) => word.endsWith(suffix))
    .map(([suffix, replacement]) => word.slice(0, word.length - suffix.length) + replacement);
}
