import { lowerCase } from "./lower_case";
import { sentences } from "./sentences";

/**
 * The caption without its last sentence if that does not end in . ? or !, as OPERA's authors score captions cut at 64
 * tokens (OPERA issue 30). Nothing is left of a caption that never finishes a sentence.
 */
export function dropUnfinished(caption: string): string {
  const spans = sentences(lowerCase(caption));
  const last = spans.at(-1);
  if (!last || /[.?!]["')\]}’”»]*$/.test(caption.slice(last.start, last.end))) return caption;
  return caption.slice(0, spans.at(-2)?.end ?? 0);
}
