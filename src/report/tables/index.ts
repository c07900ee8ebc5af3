import { csv } from "./csv";
import { json } from "./json";
import { latex } from "./latex";
import { markdown } from "./markdown";
import type { Table } from "./table";
import { terminal } from "./terminal";

/** Every way to write a table, by the name a `--format` option takes. */
export const tableFormats = { terminal, markdown, csv, latex, json };

export type TableFormat = keyof typeof tableFormats;

export function renderTable(table: Table, format: TableFormat = "terminal"): string {
  return tableFormats[format](table);
}

export type { Table };
