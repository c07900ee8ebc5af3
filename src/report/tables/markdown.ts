import { padded, type Table } from "./table";

export function markdown(table: Table): string {
  const safe = { ...table, rows: table.rows.map((row) => row.map((cell) => escaped(cell))) };
  const { header, rows, widths } = padded(safe);
  const rule = widths.map((width, c) =>
    table.columns[c]?.align === "right"
      ? `${"-".repeat(Math.max(width - 1, 2))}:`
      : "-".repeat(Math.max(width, 3)),
  );
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Names come from files and models: neither a column's end nor HTML, which in a code span is none. */
function escaped(cell: string): string {
  const parts = cell
    .replace(/[\r\n]+/g, " ")
    .replaceAll("|", "\\|")
    .split(/(`[^`]*`)/);
  return parts.map((part, i) => (i % 2 === 0 ? part.replace(/<(?=[a-z/!?])/gi, "&lt;") : part)).join("");
}
