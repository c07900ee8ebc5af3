/**
 * Writes the tables of `docs/methods.md`: methods from `src/methods/registry.ts`, their figures on the demo world from
 * `docs/methods_demo.json` (`npm run demo:methods` measures them). The text around them is written by hand.
 *
 *   ts-node scripts/generate_docs.ts [--check]     --check: write nothing, fail when the page is out of date
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methods, parametersOf } from "../src/methods/registry";
import { renderTable, type Table } from "../src/report/tables";
import { readResults } from "./methods_demo/results";
import { answerTables, captionTables } from "./methods_demo/tables";

const page = "docs/methods.md";
const file = join(__dirname, "..", page);

function main(): void {
  const before = readFileSync(file, "utf8");
  const results = readResults();
  const [captions, captionControl] = captionTables(results);
  const [answers, answerControl] = answerTables(results);
  const content = {
    attention: axisTables("attention"),
    contrast: axisTables("contrast"),
    search: axisTables("search"),
    captions: inMarkdown([captions]),
    "captions against apcOnly": inMarkdown([captionControl]),
    answers: inMarkdown([answers]),
    "answers against apcOnly": inMarkdown([answerControl]),
  };
  const after = Object.entries(content).reduce(
    (text, [name, tables]) => replaceBetween(text, name, tables),
    before,
  );
  if (!process.argv.includes("--check")) writeFileSync(file, after);
  else if (after !== before) {
    console.error(`Out of date: ${page}. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  }
}

function axisTables(axis: string): string {
  const members = methods.filter((method) => method.axis === axis);
  const overview = {
    columns: [{ name: "method" }, { name: "formula" }, { name: "source" }, { name: "works with" }],
    rows: members.map(({ name, title, formula, source, combines, needsImage }) => [
      `\`${name}\` ${title}`,
      formula,
      source,
      needsImage ? `${combines} Rows with an image.` : combines,
    ]),
  };
  const parameters = {
    columns: [{ name: "method" }, { name: "parameter" }, { name: "default" }, { name: "meaning" }],
    rows: members.flatMap((method) =>
      parametersOf(method).map(({ name, value, meaning }) => [
        `\`${method.name}\``,
        `\`${name}\``,
        value,
        meaning,
      ]),
    ),
  };
  return inMarkdown([overview, parameters]);
}

function inMarkdown(tables: readonly Table[]): string {
  return tables.map((table) => renderTable(table, "markdown")).join("\n\n");
}

function replaceBetween(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines ${start} and ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

main();
