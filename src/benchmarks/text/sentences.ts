import { readAsset } from "../asset";
import type { Span } from "./span";

/**
 * Sentence spans of a text, as NLTK's `sent_tokenize` (Punkt; Kiss & Strunk 2006) finds them.
 */
export function sentences(text: string): Span[] {
  const spans: Span[] = [];
  let start = 0;
  for (const end of boundaryCandidates(text)) {
    if (!hasSentenceBreak(end.context)) continue;
    spans.push({ start, end: end.position });
    start = end.nextStart;
  }
  spans.push({ start, end: text.trimEnd().length });
  return withClosingPunctuation(text, spans);
}

interface Candidate {
  position: number; // just behind the period, question or exclamation mark
  nextStart: number; // where the next sentence would begin
  context: string; // the word before, the mark, and what follows
}

interface Token {
  text: string;
  type: string; // in lower case, all numbers one
  sentenceBreak: boolean;
  abbreviation: boolean; // or an ellipsis: whether a sentence ends there, the next token decides
}

interface Punkt {
  abbreviations: Set<string>;
  collocations: Set<string>; // "type\tnext type"
  starters: Set<string>; // types that often begin a sentence
  contexts: Map<string, number>; // type -> where it was seen, the bits below
}

// Where Punkt's training text had a type, by its first letter.
const BEGAN_LOWER = 16;
const INSIDE_UPPER = 4;
const ANY_UPPER = 2 | 4 | 8;
const ANY_LOWER = 16 | 32 | 64;

const NON_WORD = "[)\";}\\]*:@'({\\[\u2018\u2019\u201c\u201d\u00ab\u00bb?!]";
const MULTI_CHARACTER = "(?:-{2,}|\\.{2,}|(?:\\.\\s){2,}\\.)";
const WORD = new RegExp(
  `${MULTI_CHARACTER}|(?=[^("\`{\\[:;&#*@)}\\]\\-,])\\S+?` +
    `(?=\\s|$|${NON_WORD}|${MULTI_CHARACTER}|,(?=$|\\s|${NON_WORD}|${MULTI_CHARACTER}))|\\S`,
  "gu",
);
const PERIOD_CONTEXT = new RegExp(`[.?!](?=(${NON_WORD}|\\s+(\\S+)))`, "gu");
const CLOSING = /["')\]}\u2018\u2019\u201c\u201d\u00ab\u00bb]+?(?:\s+|(?=--)|$)/my;
const ELLIPSIS = /^\.{2,}$/;
const NUMBER = /^-?[.,]?\p{Nd}[\p{Nd},.-]*\.?$/u;
const INITIAL = /^[\p{Alphabetic}\p{M}\p{Pc}]\.$/u;

interface Asset {
  abbreviations: string[];
  collocations: string[];
  starters: string[];
  contexts: Record<string, string[]>; // bits -> the types that have them
}

let loaded: Punkt | undefined;

function punkt(): Punkt {
  if (loaded) return loaded;
  const asset = readAsset("text/punkt") as Asset;
  loaded = {
    abbreviations: new Set(asset.abbreviations),
    collocations: new Set(asset.collocations),
    starters: new Set(asset.starters),
    contexts: new Map(
      Object.entries(asset.contexts).flatMap(([bits, types]) => types.map((type) => [type, Number(bits)])),
    ),
  };
  return loaded;
}

/** Of several marks behind one word ("what?!") only the last is a candidate. */
function* boundaryCandidates(text: string): Generator<Candidate> {
  let wordStart = 0;
  let wordEnd = 0;
  let last: Candidate | undefined;
  for (const match of text.matchAll(PERIOD_CONTEXT)) {
    const [mark, after, nextWord] = match;
    const space = lastSpace(text.slice(wordEnd, match.index));
    const start = space > 0 ? wordEnd + space + 1 : wordStart;
    if (last && wordEnd <= start) yield last;
    wordStart = start;
    wordEnd = match.index;
    const position = match.index + mark.length;
    last = {
      position,
      nextStart: nextWord === undefined ? position : position + after!.length - nextWord.length,
      context: text.slice(start, position) + after,
    };
  }
  if (last) yield last;
}

function lastSpace(text: string): number {
  for (let i = text.length - 1; i >= 0; i--) if (" \t\n\r\v\f".includes(text[i]!)) return i;
  return 0;
}

function hasSentenceBreak(context: string): boolean {
  const tokens = context.split("\n").flatMap((line) => (line.match(WORD) ?? []).map(annotate));
  return tokens.slice(0, -1).some((token, i) => breaksBefore(token, tokens[i + 1]!));
}

/** Punkt's first pass: a decision from the token's type alone. */
function annotate(text: string): Token {
  const lower = text.toLowerCase();
  const type = NUMBER.test(lower) ? "##number##" : lower;
  const token = { text, type, sentenceBreak: false, abbreviation: false };
  if (text === "." || text === "?" || text === "!") return { ...token, sentenceBreak: true };
  if (ELLIPSIS.test(text)) return { ...token, abbreviation: true };
  if (!text.endsWith(".") || text.endsWith("..")) return token;
  const abbreviation = isAbbreviation(lower.slice(0, -1));
  return { ...token, abbreviation, sentenceBreak: !abbreviation };
}

function isAbbreviation(word: string): boolean {
  const { abbreviations } = punkt();
  return abbreviations.has(word) || abbreviations.has(word.slice(word.lastIndexOf("-") + 1));
}

/**
 * Punkt's second pass: what follows an abbreviation may make a break of it; a collocation, an initial or an ordinal
 * takes one back.
 */
function breaksBefore(token: Token, next: Token): boolean {
  if (!token.text.endsWith(".")) return token.sentenceBreak;
  const { collocations, starters, contexts } = punkt();
  const type = withoutPeriod(token.type);
  const nextType = next.sentenceBreak ? withoutPeriod(next.type) : next.type;
  if (collocations.has(`${type}\t${nextType}`)) return false;
  const isInitial = INITIAL.test(token.text);
  const starts = startsSentence(next.text, nextType);
  const isUpper = /^\p{Uppercase}/u.test(next.text);
  if (token.abbreviation && !isInitial && (starts === true || (isUpper && starters.has(nextType))))
    return true;
  if (!isInitial && type !== "##number##") return token.sentenceBreak;
  if (starts === false) return false;
  const alwaysUpper = isUpper && !((contexts.get(nextType) ?? 0) & ANY_LOWER);
  return token.sentenceBreak && !(isInitial && starts === undefined && alwaysUpper); // "J. Bach"
}

function withoutPeriod(type: string): string {
  return type.length > 1 && type.endsWith(".") ? type.slice(0, -1) : type;
}

/**
 * Whether a token begins a sentence, by the case of its first letter here and in Punkt's training text; undefined where
 * that does not tell.
 */
function startsSentence(text: string, type: string): boolean | undefined {
  if (/^[;:,.!?]$/.test(text)) return false;
  const seen = punkt().contexts.get(type) ?? 0;
  if (/^\p{Uppercase}/u.test(text)) return seen & ANY_LOWER && !(seen & INSIDE_UPPER) ? true : undefined;
  const isLower = /^\p{Lowercase}/u.test(text);
  return isLower && (seen & ANY_UPPER || !(seen & BEGAN_LOWER)) ? false : undefined;
}

/** Gives quotes and brackets that follow the mark back to the sentence they close. */
function withClosingPunctuation(text: string, spans: Span[]): Span[] {
  const aligned: Span[] = [];
  let shift = 0;
  spans.forEach((span, i) => {
    const start = span.start + shift;
    const next = spans[i + 1];
    CLOSING.lastIndex = 0;
    const closing = next && CLOSING.exec(text.slice(next.start, next.end))?.[0];
    shift = closing?.length ?? 0;
    if (next && closing) aligned.push({ start, end: next.start + closing.trimEnd().length });
    else if (start < span.end) aligned.push({ start, end: span.end });
  });
  return aligned;
}
