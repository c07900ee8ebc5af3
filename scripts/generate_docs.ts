/**
 * Writes what the documentation takes from the code (`scripts/docs`, one file a source); the text around it is written by
 * hand.
 *
 *   ts-node scripts/generate_docs.ts [--check]     --check: write nothing, fail when a file is out of date
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methodLists } from "./docs/methods";
import { demoTables } from "./docs/methods_demo";
import { familyTables } from "./docs/models";
import { ownMethod } from "./docs/own_method";
import { sweepSchema } from "./docs/sweep_schema";

/** Pages with, by name, what stands between their `generated` and `end` lines. */
const pages: Record<string, Record<string, string>> = {
  "docs/methods.md": { ...methodLists(), "own method": ownMethod(), ...demoTables() },
  "docs/models.md": familyTables(),
};

/** Files that are generated as a whole. */
const files: Record<string, string> = { "assets/sweep.schema.json": sweepSchema() };

function main(): void {
  for (const [path, content] of Object.entries(files)) emit(path, content);
  for (const [path, parts] of Object.entries(pages)) {
    const text = readFileSync(absolute(path), "utf8");
    emit(
      path,
      Object.entries(parts).reduce((page, part) => replaceBetween(path, page, ...part), text),
    );
  }
}

function emit(path: string, content: string): void {
  const file = absolute(path);
  if (!process.argv.includes("--check")) return writeFileSync(file, content);
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  console.error(`Out of date: ${path}. Run \`npm run generate\` and commit the result.`);
  process.exitCode = 1;
}

const absolute = (path: string) => join(__dirname, "..", path);

function replaceBetween(page: string, text: string, name: string, content: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines ${start} and ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

main();
