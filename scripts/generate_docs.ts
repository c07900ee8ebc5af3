/**
 * Writes the tables of `docs/methods.md` from `src/methods/registry.ts` (the text around them is written by hand), and
 * the JSON schema of sweep files, `assets/sweep.schema.json`, from `src/sweep/spec.ts`.
 *
 *   ts-node scripts/generate_docs.ts [--check]     --check: write nothing, fail when one of them is out of date
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { methods, parametersOf } from "../src/methods/registry";
import { renderTable } from "../src/report/tables";
import { SweepSpec } from "../src/sweep/spec";

const root = join(__dirname, "..");
const page = "docs/methods.md";
const schema = "assets/sweep.schema.json";

function main(): void {
  const text = readFileSync(join(root, page), "utf8");
  const outdated = [
    emit(page, ["attention", "contrast", "search"].reduce(withTables, text)),
    emit(schema, `${JSON.stringify(z.toJSONSchema(SweepSpec, { reused: "ref" }), null, 1)}\n`),
  ].filter((path) => path !== undefined);
  if (outdated.length === 0) return;
  console.error(`Out of date: ${outdated.join(", ")}. Run \`npm run generate\` and commit the result.`);
  process.exitCode = 1;
}

/** Writes a file, or under --check returns its path where its content is another. */
function emit(path: string, content: string): string | undefined {
  const file = join(root, path);
  if (!process.argv.includes("--check")) writeFileSync(file, content);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== content) return path;
  return undefined;
}

const withTables = (text: string, axis: string) => replaceBetween(text, axis, axisTables(axis));

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

function replaceBetween(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines ${start} and ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

main();
