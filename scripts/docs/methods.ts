import { methods } from "../../src/methods/registry";

type Method = (typeof methods)[number];

/** What `docs/methods.md` tells of each axis, from `src/methods`: lines of their own, so that a change shows as one. */
export function methodLists(): Record<string, string> {
  return Object.fromEntries(
    ["attention", "contrast", "search"].map((axis) => [
      axis,
      methods
        .filter((method) => method.axis === axis)
        .map(describe)
        .join("\n\n"),
    ]),
  );
}

function describe({ name, title, formula, source, combines, needsImage, parameters }: Method): string {
  return [
    `### \`${name}\`: ${title}`,
    "",
    `\`${formula}\``,
    "",
    ...Object.entries(parameters).map(
      ([parameter, { shown, meaning }]) => `- \`${parameter}\` (${shown}): ${meaning}.`,
    ),
    "",
    `Source: ${source}.`,
    `Works with: ${combines}${needsImage ? " Rows with an image." : ""}`,
  ].join("\n");
}
