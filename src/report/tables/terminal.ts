import { padded, type Table } from "./table";

export function terminal(table: Table): string {
  const safe = { ...table, rows: table.rows.map((row) => row.map(withoutControls)) };
  const { header, rows, widths } = padded(safe);
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [header.join("  "), rule, ...rows.map((row) => row.join("  "))]
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Names come from files and models: nothing that a terminal would take for a command. */
function withoutControls(cell: string): string {
  return cell.replace(/\p{Cc}/gu, "·");
}
