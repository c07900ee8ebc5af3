import type { CaptionPart } from "./caption_part";

export interface Column {
  title: string;
  parts: readonly CaptionPart[];
}

interface Style {
  colour: boolean;
  /** Characters of the terminal's line. */
  width: number;
}

const ansi = {
  bold: ["\x1b[1m", "\x1b[22m"],
  hallucinated: ["\x1b[31;1m", "\x1b[0m"],
  supported: ["\x1b[32m", "\x1b[0m"],
} as const;
const gap = 4;

/** Captions in columns, wrapped to the terminal. Without colour a hallucinated word stands in [[brackets]]. */
export function sideBySide(columns: readonly Column[], { colour, width }: Style): string[] {
  const columnWidth = Math.floor((width - gap * (columns.length - 1)) / columns.length);
  const paint = (text: string, style: keyof typeof ansi) =>
    colour ? ansi[style][0] + text + ansi[style][1] : text;
  const bodies = columns.map(({ parts }) => wrap(parts, columnWidth, colour));
  const height = Math.max(...bodies.map((body) => body.length));
  const titles = columns.map(({ title }) => paint(title.slice(0, columnWidth).padEnd(columnWidth), "bold"));
  const lines = Array.from({ length: height }, (_, line) =>
    bodies.map((body) => {
      const words = body[line] ?? [];
      const length = words.reduce((sum, { text }) => sum + widthOf(text), 0);
      const painted = words.map(({ text, mark }) => (mark ? paint(text, mark) : text)).join("");
      return painted + " ".repeat(Math.max(columnWidth - length, 0));
    }),
  );
  return [titles, ...lines].map((cells) => cells.join(" ".repeat(gap)).trimEnd());
}

function wrap(parts: readonly CaptionPart[], width: number, colour: boolean): CaptionPart[][] {
  const shown = parts.map(({ text, mark }) => ({
    text: !colour && mark === "hallucinated" ? `[[${text}]]` : text,
    mark,
  }));
  return breakLines(wordsOf(shown), width);
}

/** Every word with the space before it; a space at the end of a part goes to the next part's first word. */
export function wordsOf(parts: readonly CaptionPart[]): CaptionPart[] {
  let space = "";
  return parts.flatMap(({ text, mark }) => {
    const pending = space + text;
    space = /\s*$/.exec(pending)![0];
    return (pending.match(/\s*\S+/g) ?? []).map((word) => ({ text: word, mark }));
  });
}

/**
 * Fills lines of about `width` characters; a piece without a space before it, such as a full stop, stays where it is.
 * What is longer than a line, such as a Chinese sentence, is cut.
 */
export function breakLines(words: readonly CaptionPart[], width: number): CaptionPart[][] {
  const lines: CaptionPart[][] = [];
  let used = 0;
  const begin = () => {
    lines.push([]);
    used = 0;
  };
  for (const word of words) {
    const isLong = widthOf(word.text) > width + 1; // a space goes where the line breaks
    const breaks = isLong || (/^\s/.test(word.text) && used + widthOf(word.text) > width);
    if (lines.length === 0 || breaks) begin();
    const text = used === 0 ? word.text.trimStart() : word.text;
    for (const [place, piece] of (isLong ? cut(text, width) : [text]).entries()) {
      if (place > 0) begin();
      lines.at(-1)!.push({ ...word, text: piece });
      used += widthOf(piece);
    }
  }
  return lines;
}

function cut(text: string, width: number): string[] {
  const pieces = [""];
  for (const character of text) {
    if (widthOf(pieces.at(-1)! + character) > width) pieces.push("");
    pieces[pieces.length - 1] += character;
  }
  return pieces;
}

/** In the width of a Latin letter; those from Hangul on, Chinese and Japanese ones among them, take two. */
function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (character.codePointAt(0)! >= 0x1100 ? 2 : 1), 0);
}
