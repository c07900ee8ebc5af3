import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { packageRoot } from "../../../base/package_root";

/** One of the scorer's language tables, as `scripts/build_lexicon.ts` wrote it; origin in assets/chair/README.md. */
export function readAsset(name: "tagger" | "punkt" | "wordnet"): unknown {
  const packed = readFileSync(join(packageRoot(), "assets", "chair", `${name}.json.br`));
  return JSON.parse(brotliDecompressSync(packed).toString("utf8"));
}
