import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { packageRoot } from "../../base/package_root";

/** One of the tables for reading English, as `scripts/build_lexicon.ts` wrote it; origin in assets/text/README.md. */
export function readAsset(name: "tagger" | "punkt" | "wordnet"): unknown {
  const packed = readFileSync(join(packageRoot(), "assets", "text", `${name}.json.br`));
  return JSON.parse(brotliDecompressSync(packed).toString("utf8"));
}
