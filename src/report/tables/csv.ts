import type { Table } from "./table";

/** RFC 4180. A spreadsheet takes a cell that begins with =, +, - or @ for a formula; an apostrophe before it makes it a text. */
export function csv({ columns, rows }: Table): string {
  const field = (raw: string) => quoted(/^[=+\-@\t\r]/.test(raw) && !isNumber(raw) ? `'${raw}` : raw);
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(field).join(",")).join("\r\n");
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}
