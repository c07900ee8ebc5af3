const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, OPEN_BRACKET] = [0x7b, 0x5b];
const [CLOSE_BRACE, CLOSE_BRACKET] = [0x7d, 0x5d];

/**
 * The objects in the array that a large JSON file has under one of its top-level keys, parsed one at a time: COCO's
 * instances_train2017.json is 450 MB, too much to parse as a whole. Throws if the key is not there.
 */
export function* arrayElements(json: Buffer, key: string): Generator<unknown> {
  let depth = 0;
  let found = false;
  let inside = false;
  let start = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (byte === QUOTE) {
      const end = endOfString(json, i);
      if (depth === 1 && isKey(json, i, end, key)) found = inside = true;
      i = end;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      if (depth === 3) start = i;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      if (inside && depth === 2) yield JSON.parse(json.toString("utf8", start, i + 1));
      if (depth === 1) inside = false;
    }
  }
  if (!found || depth !== 0) throw new Error(found ? "the file is cut off" : `there is no "${key}"`);
}

function endOfString(json: Buffer, start: number): number {
  let i = start + 1;
  while (i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1;
  return i;
}

function isKey(json: Buffer, start: number, end: number, key: string): boolean {
  return (
    json.toString("utf8", start + 1, end) === key && /^\s*:/.test(json.toString("utf8", end + 1, end + 9))
  );
}
