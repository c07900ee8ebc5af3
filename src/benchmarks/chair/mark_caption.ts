import type { CaptionPart } from "../../report/caption_part";
import { mentions } from "./reading/mentions";

/** Cuts a caption at its object words (as CHAIR reads them) and marks each by the classes that are in the image. */
export function markCaption(caption: string, present: readonly string[]): CaptionPart[] {
  const parts: CaptionPart[] = [];
  let at = 0;
  for (const { object, start, end } of mentions(caption)) {
    if (start > at) parts.push({ text: caption.slice(at, start) });
    const mark = present.includes(object) ? "supported" : "hallucinated";
    parts.push({ text: caption.slice(start, end), mark });
    at = end;
  }
  if (at < caption.length) parts.push({ text: caption.slice(at) });
  return parts;
}
