import { lemma, partOfSpeech } from "../../text/lemma";
import type { Span } from "../../text/span";
import { tag } from "../../text/tagger";
import { tokenize } from "../../text/tokens";
import { lowerCase } from "./lower_case";
import { cocoObjects, type ObjectLexicon } from "./objects";

export type Scorer = "pai" | "noun";

export interface Reading {
  words: string[]; // lemmas, pairs merged: what CHAIR counts as the caption's length
  mentions: Mention[];
}

/** A word that names an object, and where it stands in the caption: `caption.slice(start, end)`. */
export interface Mention extends Span {
  word: string; // as the object list has it
  object: string; // its class
  index: number; // in `words`
}

/**
 * Reads a caption as CHAIR does: lower case, tokens, lemmas, pairs of words merged from left to right, object words.
 * Scorer `pai` lemmatises by the tagged part of speech ("seated" is a seat), `noun` reads every token as a noun.
 */
export function readCaption(
  caption: string,
  scorer: Scorer = "pai",
  objects: ObjectLexicon = cocoObjects(),
): Reading {
  const words = mergePairs(lemmatize(caption, scorer), objects);
  const present = new Set(words.map(({ text }) => text));
  const mentions = words.flatMap(({ text, start, end }, index) => {
    const object = objects.classOf.get(text);
    if (object === undefined || present.has(objects.silencedBy.get(text) ?? "")) return [];
    return [{ word: text, object, start, end, index }];
  });
  return { words: words.map(({ text }) => text), mentions };
}

interface Word extends Span {
  text: string;
}

function lemmatize(caption: string, scorer: Scorer): Word[] {
  const tokens = tokenize(lowerCase(caption));
  const tags = scorer === "pai" ? tag(tokens.map(({ text }) => text)) : [];
  return tokens.map(({ text, start, end }, i) => ({
    text: lemma(text, scorer === "pai" ? partOfSpeech(tags[i]!) : "n"),
    start,
    end,
  }));
}

function mergePairs(words: Word[], { pairs }: ObjectLexicon): Word[] {
  const merged: Word[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const next = words[i + 1];
    const pair = next && pairs.get(`${word.text} ${next.text}`);
    if (next && pair !== undefined) i++;
    merged.push(next && pair !== undefined ? { text: pair, start: word.start, end: next.end } : word);
  }
  return merged;
}
