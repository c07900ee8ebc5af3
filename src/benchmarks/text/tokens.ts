import { sentences } from "./sentences";
import type { Span } from "./span";

export interface Token extends Span {
  text: string; // as NLTK writes it: a double quote becomes `` or ''
}

/** The tokens of a text as NLTK's `word_tokenize` gives them, with their place in the text. */
export function tokenize(text: string): Token[] {
  return sentences(text).flatMap(({ start, end }) => align(treebank(text.slice(start, end)), text, start));
}

// Python's `regex` module and its `re` disagree on what a word character is, and NLTK uses both.
const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
const RE_WORD = "[\\p{L}\\p{N}_]";

// NLTKWordTokenizer's substitutions for one sentence (Treebank conventions), in its order.
const SUBSTITUTIONS: [RegExp, string][] = [
  [/([«“‘„]|`+)/g, " $1 "],
  [/^"/, "``"],
  [/(``)/g, " $1 "],
  [/([ ([{<])("|'{2})/g, "$1 `` "],
  [new RegExp(`(?<!${WORD})(')(?!(?:re|ve|ll|m|t|s|d|n)(?!${WORD}))(?=${WORD})`, "giu"), "$1 "],
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/g, "$1 $2 $3 "],
  [/([:,])(\P{Nd})/gu, " $1 $2"],
  [/([:,])$/g, " $1 "],
  [/\.{2,}/g, " $& "],
  [/[;@#$%&]/g, " $& "],
  [/[\u2012-\u2015]/g, " $& "],
  [/([^.])(\.)([\])}>"']*)\s*$/g, "$1 $2$3 "],
  [/[?!]/g, " $& "],
  [/([^'])' /g, "$1 ' "],
  [/[*]/g, " $& "],
  [/[\][(){}<>]/g, " $& "],
  [/--/g, " -- "],
  [/^|$/g, " "],
  [/([»”’])/g, " $1 "],
  [/''/g, " '' "],
  [/"/g, " '' "],
  [/\s+/g, " "],
  [/([^' ])('[sS]|'[mM]|'[dD]|') /g, "$1 $2 "],
  [/([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) /g, "$1 $2 "],
  ...["can)(not", "d)('ye", "gim)(me", "gon)(na", "got)(ta", "lem)(me", "more)('n"].map(contraction),
  [new RegExp(`(?<!${RE_WORD})(wan)(na)(?=\\s)`, "giu"), " $1 $2 "],
  [new RegExp(` ('t)(is|was)(?!${RE_WORD})`, "giu"), " $1 $2 "],
];

function contraction(parts: string): [RegExp, string] {
  return [new RegExp(`(?<!${RE_WORD})(${parts})(?!${RE_WORD})`, "giu"), " $1 $2 "];
}

function treebank(sentence: string): string[] {
  let spaced = sentence;
  for (const [pattern, replacement] of SUBSTITUTIONS) spaced = spaced.replace(pattern, replacement);
  return spaced
    .trim()
    .split(/\s+/)
    .filter((token) => token !== "");
}

/** Tokenizing only inserts spaces and rewrites double quotes, so walking along the text finds every token. */
function align(tokens: string[], text: string, from: number): Token[] {
  let position = from;
  return tokens.map((token) => {
    while (/\s/.test(text[position] ?? "")) position++;
    const start = position;
    position += lengthInText(token, text, start);
    return { text: token, start, end: position };
  });
}

function lengthInText(token: string, text: string, position: number): number {
  if (text.startsWith(token, position)) return token.length;
  return text[position] === '"' ? 1 : 2; // `` stands for " or ''
}
