/**
 * Writes the tables of `docs/methods.md` from `src/methods/registry.ts`, and its example of a plug-in from the file
 * itself; the text around them is written by hand.
 *
 *   ts-node scripts/generate_docs.ts [--check]     --check: write nothing, fail when the page is out of date
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methods, parametersOf } from "../src/methods/registry";
import { renderTable } from "../src/report/tables";

const page = "docs/methods.md";
const file = join(__dirname, "..", page);

function main(): void {
  const before = readFileSync(file, "utf8");
  const tables = ["attention", "contrast", "search"].reduce(
    (text, axis) => replaceBetween(text, axis, axisTables(axis)),
    before,
  );
  const after = replaceBetween(tables, "own method", ownMethod());
  if (!process.argv.includes("--check")) writeFileSync(file, after);
  else if (after !== before) {
    console.error(`Out of date: ${page}. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  }
}

function axisTables(axis: string): string {
  const members = methods.filter((method) => method.axis === axis);
  const overview = renderTable(
    {
      columns: [{ name: "method" }, { name: "formula" }, { name: "source" }, { name: "works with" }],
      rows: members.map(({ name, title, formula, source, combines, needsImage }) => [
        `\`${name}\` ${title}`,
        formula,
        source,
        needsImage ? `${combines} Rows with an image.` : combines,
      ]),
    },
    "markdown",
  );
  const parameters = renderTable(
    {
      columns: [{ name: "method" }, { name: "parameter" }, { name: "default" }, { name: "meaning" }],
      rows: members.flatMap((method) =>
        parametersOf(method).map(({ name, value, meaning }) => [
          `\`${method.name}\``,
          `\`${name}\``,
          value,
          meaning,
        ]),
      ),
    },
    "markdown",
  );
  return `${overview}\n\n${parameters}`;
}

function ownMethod(): string {
  return `\`\`\`python\n${readFileSync(join(__dirname, "own_method.py"), "utf8")}\`\`\``;
}

function replaceBetween(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines ${start} and ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

main();
