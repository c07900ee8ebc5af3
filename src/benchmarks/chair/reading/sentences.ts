import { readAsset } from "./assets";
import type { Span } from "./span";

/**
 * Sentence spans of lower-cased text, as NLTK's `sent_tokenize` (Punkt; Kiss & Strunk 2006) finds them.
 *
 * In lower-cased text no token begins with a capital, so Punkt's orthographic heuristic can only say "not a sentence
 * starter" or "unknown", and its list of frequent sentence starters is never asked. What remains is below.
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
  type: string;
  sentenceBreak: boolean;
}

interface Punkt {
  abbreviations: Set<string>;
  collocations: Set<string>; // "type\tnext type"
  lowerStarters: Set<string>;
}

const NON_WORD = "[)\";}\\]*:@'({\\[\u2018\u2019\u201c\u201d\u00ab\u00bb?!]";
const MULTI_CHARACTER = "(?:-{2,}|\\.{2,}|(?:\\.\\s){2,}\\.)";
const WORD = new RegExp(
  `${MULTI_CHARACTER}|(?=[^("\`{\\[:;&#*@)}\\]\\-,])\\S+?` +
    `(?=\\s|$|${NON_WORD}|${MULTI_CHARACTER}|,(?=$|\\s|${NON_WORD}|${MULTI_CHARACTER}))|\\S`,
  "gu",
);
const PERIOD_CONTEXT = new RegExp(`[.?!](?=(${NON_WORD}|\\s+(\\S+)))`, "gu");
const CLOSING = /["')\]}\u2018\u2019\u201c\u201d\u00ab\u00bb]+?(?:\s+|(?=--)|$)/my;
const NUMBER = /^-?[.,]?\p{Nd}[\p{Nd},.-]*\.?$/u;
const INITIAL = /^[\p{Alphabetic}\p{M}\p{Pc}]\.$/u;

let loaded: Punkt | undefined;

function punkt(): Punkt {
  if (loaded) return loaded;
  const asset = readAsset("punkt") as Record<keyof Punkt, string[]>;
  loaded = {
    abbreviations: new Set(asset.abbreviations),
    collocations: new Set(asset.collocations),
    lowerStarters: new Set(asset.lowerStarters),
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
  const token = { text, type: NUMBER.test(text) ? "##number##" : text, sentenceBreak: false };
  if (text === "." || text === "?" || text === "!") token.sentenceBreak = true;
  else if (text.endsWith(".") && !text.endsWith(".."))
    token.sentenceBreak = !isAbbreviation(text.slice(0, -1));
  return token;
}

function isAbbreviation(word: string): boolean {
  const { abbreviations } = punkt();
  return abbreviations.has(word) || abbreviations.has(word.slice(word.lastIndexOf("-") + 1));
}

/** Punkt's second pass: a collocation, an initial or an ordinal takes the break back. */
function breaksBefore(token: Token, next: Token): boolean {
  if (!token.sentenceBreak || !token.text.endsWith(".")) return token.sentenceBreak;
  const type = withoutPeriod(token.type);
  const nextType = next.sentenceBreak ? withoutPeriod(next.type) : next.type;
  if (punkt().collocations.has(`${type}\t${nextType}`)) return false;
  const undecided = INITIAL.test(token.text) || type === "##number##";
  return !(undecided && cannotStart(next.text, nextType));
}

function withoutPeriod(type: string): string {
  return type.length > 1 && type.endsWith(".") ? type.slice(0, -1) : type;
}

function cannotStart(text: string, type: string): boolean {
  return /^(?:[;:,.!?]$|\p{Lowercase})/u.test(text) && !punkt().lowerStarters.has(type);
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
