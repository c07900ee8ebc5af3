/**
 * Builds assets/amber/: the words that AMBER counts as objects, which of them go together, and which are similar.
 *
 *   npx ts-node scripts/build_amber.ts --data DIR --similar FILE
 *
 * --data     AMBER's relation.json and safe_words.txt
 * --similar  {"pairs": [["word", "other word", similarity], …]}
 *
 * Provenance and licences: assets/amber/README.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";

const { data, similar } = parseArgs({
  options: { data: { type: "string" }, similar: { type: "string" } },
}).values;
if (!data || !similar) throw new Error("build_amber needs --data and --similar.");

const relations = JSON.parse(readFileSync(join(data, "relation.json"), "utf8"));
const safe = readFileSync(join(data, "safe_words.txt"), "utf8").split("\n").filter(Boolean);
const { pairs } = JSON.parse(readFileSync(similar, "utf8"));
const packed = brotliCompressSync(JSON.stringify({ relations, safe, similar: { pairs } }));
writeFileSync(join(__dirname, "../assets/amber/words.json.br"), packed);
console.log(`words: ${packed.length} bytes`);
