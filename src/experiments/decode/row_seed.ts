import { basename } from "node:path";
import { crc32 } from "node:zlib";
import type { RowRequest } from "../../client";
import type { Search } from "../../methods";

const seeds = 2 ** 31;

/**
 * The search with a seed of the row's own: of its seed, the image file's name and the prompt. So images are sampled
 * independently, as intervals over images take them to be, while the edits of an image meet the same random numbers.
 */
export function withRowSeed(search: Search, { image, prompt }: RowRequest): Search {
  if (search.method !== "sample") return search;
  const name = typeof image === "string" ? basename(image) : "";
  return { ...search, seed: (search.seed + crc32(`${name}\n${prompt}`)) % seeds };
}
