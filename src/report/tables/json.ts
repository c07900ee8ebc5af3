import type { Table } from "./table";

/** One object a row. */
export function json({ columns, rows }: Table): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ name }, c) => [name, row[c] ?? ""]))),
    null,
    2,
  );
}
