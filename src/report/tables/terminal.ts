import { padded, type Table } from "./table";

export function terminal(table: Table): string {
  const { header, rows, widths } = padded(table);
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [header.join("  "), rule, ...rows.map((row) => row.join("  "))]
    .map((line) => line.trimEnd())
    .join("\n");
}
