/**
 * Writes the tables of `docs/methods.md` from `src/methods/registry.ts` and from `docs/methods_demo.json` (which
 * `npm run demo:methods` measures), those of `docs/models.md` from `python/aai_worker/families.py`; the text around them is
 * written by hand.
 *
 *   ts-node scripts/generate_docs.ts [--check]     --check: write nothing, fail when the page is out of date
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findPython } from "../src/environment/python";
import { methods, parametersOf } from "../src/methods/registry";
import { renderTable } from "../src/report/tables";
import { readResults } from "./methods_demo/results";
import { answerTables, captionTables } from "./methods_demo/tables";

const root = join(__dirname, "..");

/** A page with, by name, what stands between its `generated` and `end` lines. */
const pages: Record<string, Record<string, string>> = {
  "docs/methods.md": {
    ...Object.fromEntries(["attention", "contrast", "search"].map((axis) => [axis, axisTables(axis)])),
    ...demoTables(),
  },
  "docs/models.md": familyTables(),
};

function main(): void {
  for (const [page, tables] of Object.entries(pages)) {
    const file = join(root, page);
    const before = readFileSync(file, "utf8");
    const after = Object.entries(tables).reduce(
      (text, [name, content]) => replaceBetween(page, text, name, content),
      before,
    );
    if (!process.argv.includes("--check")) writeFileSync(file, after);
    else if (after !== before) {
      console.error(`Out of date: ${page}. Run \`npm run generate\` and commit the result.`);
      process.exitCode = 1;
    }
  }
}

/** Of `python/aai_worker/families.py`, which imports nothing: any Python answers at once. */
function familyTables(): Record<string, string> {
  const program =
    "import json, families as f;" +
    "print(json.dumps([{k: v._asdict() for k, v in f.SUPPORTED.items()}, f.REFUSED]))";
  const folder = join(root, "python", "aai_worker");
  const output = execFileSync(findPython().python, ["-c", program], { cwd: folder, encoding: "utf8" });
  const [supported, refused]: [Record<string, Record<string, string>>, Record<string, string>] =
    JSON.parse(output);
  return {
    supported: renderTable(
      {
        columns: [
          { name: "`model_type`" },
          { name: "family" },
          { name: "for example" },
          { name: "image tokens" },
          { name: "reference" },
        ],
        rows: Object.entries(supported).map(([type, { title, checkpoints, tokens, reference }]) => [
          `\`${type}\``,
          title!,
          checkpoints!,
          tokens!,
          reference!,
        ]),
      },
      "markdown",
    ),
    refused: renderTable(
      {
        columns: [{ name: "`model_type`" }, { name: "why" }],
        rows: Object.entries(refused).map(([type, reason]) => [`\`${type}\``, reason]),
      },
      "markdown",
    ),
  };
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

function demoTables(): Record<string, string> {
  const results = readResults();
  const [captions, captionControl] = captionTables(results);
  const [answers, answerControl] = answerTables(results);
  return {
    captions: renderTable(captions, "markdown"),
    "captions against apcOnly": renderTable(captionControl, "markdown"),
    answers: renderTable(answers, "markdown"),
    "answers against apcOnly": renderTable(answerControl, "markdown"),
  };
}

function replaceBetween(page: string, text: string, name: string, content: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines ${start} and ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

main();
