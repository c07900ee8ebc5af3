import { DataError } from "../../base/data_error";
import { checkedId } from "../../data/ids";
import { type JsonRecord, readRecords } from "../../data/records";
import { soleText, textKeys } from "../../data/sole_text";

export interface Caption {
  image_id: number | string;
  caption: string;
  /** Whether the model ended it or the limit of tokens cut it, where that is known. */
  finish_reason?: FinishReason | undefined;
}

export type FinishReason = "stop" | "length";

export interface CaptionKeys {
  imageIdKey?: string; // default "image_id"
  captionKey?: string; // default "caption", where no other key could be it
}

/** Reads captions, one per image, from a .json list or a .jsonl file of objects; their `finish_reason`, too. Errors name the file and the line. */
export function readCaptions(file: string, keys: CaptionKeys = {}): Caption[] {
  const { imageIdKey = "image_id", captionKey } = keys;
  const seen = new Map<string, string>();
  return readRecords(file).map(({ place, value }) => {
    const image_id = readId(value, imageIdKey, place);
    const first = seen.get(String(image_id));
    if (first)
      throw new DataError(`${place}: image id ${image_id} again (first at ${first}); expected it once.`);
    seen.set(String(image_id), place);
    if (captionKey === undefined) soleText(value, textKeys, place, "caption", "--caption-key");
    const key = captionKey ?? "caption";
    const caption = value[key];
    if (caption === undefined)
      throw new DataError(
        `${place}: no key "${key}" (it has ${keysOf(value)}); --caption-key names another.`,
      );
    if (typeof caption !== "string") {
      throw new DataError(`${place}: the caption is ${JSON.stringify(caption)}; expected a string.`);
    }
    return { image_id, caption, ...finishReasonOf(value) };
  });
}

/** As runs of ours and servers with OpenAI's interface write it; any other word tells nothing. */
function finishReasonOf({ finish_reason: reason }: JsonRecord): Pick<Caption, "finish_reason"> {
  return reason === "stop" || reason === "length" ? { finish_reason: reason } : {};
}

function readId(value: JsonRecord, key: string, place: string): number | string {
  const id = value[key];
  if (id === undefined) throw new DataError(`${place}: no key "${key}" (it has ${keysOf(value)}).`);
  return checkedId(id, "the image id", place);
}

function keysOf(value: JsonRecord): string {
  return Object.keys(value).join(", ") || "none";
}
