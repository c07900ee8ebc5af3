import { lemma } from "../text/lemma";
import { tag } from "../text/tagger";
import { tokenize } from "../text/tokens";
import { amberWords } from "./words";

/**
 * The nouns of a text that are AMBER's words, in order, repeated ones repeated: tokens that are tagged as nouns, as
 * their lemmas. Case is kept, so that "Trees" is none of them: WordNet has no lemma for it.
 */
export function amberNouns(text: string): string[] {
  const { vocabulary } = amberWords();
  const tokens = tokenize(text).map((token) => token.text);
  const tags = tag(tokens);
  return tokens
    .filter((_, i) => tags[i]!.startsWith("NN"))
    .map((token) => lemma(token, "n"))
    .filter((noun) => vocabulary.has(noun));
}
