import { methods, parametersOf } from "../../src/methods/registry";
import { renderTable } from "../../src/report/tables";

/** What `docs/methods.md` tells of each axis, from `src/methods/registry.ts`. */
export function methodTables(): Record<string, string> {
  return Object.fromEntries(["attention", "contrast", "search"].map((axis) => [axis, axisTables(axis)]));
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
