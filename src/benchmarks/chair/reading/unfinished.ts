import { sentences } from "../../text/sentences";
import type { Caption } from "../captions";
import { lowerCase } from "./lower_case";

/**
 * The caption's text without its last sentence where that was cut off, as OPERA's authors score captions cut at 64 tokens
 * (OPERA issue 30). A caption that the model ended itself is whole, with a period or without; where nothing tells whether it
 * did, a last sentence that does not end in . ? or ! counts as cut. Nothing is left of a caption that never finishes a sentence.
 */
export function dropUnfinished({ caption, finish_reason }: Caption): string {
  if (finish_reason === "stop") return caption;
  const spans = sentences(lowerCase(caption));
  const last = spans.at(-1);
  if (!last || /[.?!]["')\]}’”»]*$/.test(caption.slice(last.start, last.end))) return caption;
  return caption.slice(0, spans.at(-2)?.end ?? 0);
}
