import { padded, type Table } from "./table";

export function markdown(table: Table): string {
  const escaped = { ...table, rows: table.rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|"))) };
  const { header, rows, widths } = padded(escaped);
  const rule = widths.map((width, c) =>
    table.columns[c]?.align === "right"
      ? `${"-".repeat(Math.max(width - 1, 2))}:`
      : "-".repeat(Math.max(width, 3)),
  );
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
