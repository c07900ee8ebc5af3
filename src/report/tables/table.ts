/** A table as data; the renderers beside this file make text of it. */
export interface Table {
  columns: readonly { name: string; align?: "left" | "right" }[];
  rows: readonly (readonly string[])[];
}

/** Cells padded to their column's width. */
export function padded({ columns, rows }: Table): { header: string[]; rows: string[][]; widths: number[] } {
  const widths = columns.map(({ name }, c) =>
    Math.max(name.length, ...rows.map((row) => (row[c] ?? "").length)),
  );
  const pad = (text: string, c: number) =>
    columns[c]?.align === "right" ? text.padStart(widths[c]!) : text.padEnd(widths[c]!);
  return {
    header: columns.map(({ name }, c) => pad(name, c)),
    rows: rows.map((row) => columns.map((_, c) => pad(row[c] ?? "", c))),
    widths,
  };
}
