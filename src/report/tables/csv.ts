import type { Table } from "./table";

/** RFC 4180. */
export function csv({ columns, rows }: Table): string {
  const field = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(field).join(",")).join("\r\n");
}
