import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { packageRoot } from "../base/package_root";

/** A table of assets/, as a script of scripts/ built it; its origin is in the README beside it. */
export function readAsset(name: "text/tagger" | "text/punkt" | "text/wordnet" | "amber/words"): unknown {
  const packed = readFileSync(join(packageRoot(), "assets", `${name}.json.br`));
  return JSON.parse(brotliDecompressSync(packed).toString("utf8"));
}
