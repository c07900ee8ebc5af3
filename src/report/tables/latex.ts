import type { Table } from "./table";

/** A `tabular` in the style of the booktabs package. */
export function latex({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `  ${cells.map(escapeLatex).join(" & ")} \\\\`;
  const alignment = columns.map(({ align }) => (align === "right" ? "r" : "l")).join("");
  return [
    `\\begin{tabular}{${alignment}}`,
    "  \\toprule",
    line(columns.map(({ name }) => name)),
    "  \\midrule",
    ...rows.map(line),
    "  \\bottomrule",
    "\\end{tabular}",
  ].join("\n");
}

function escapeLatex(text: string): string {
  const replacements: Record<string, string> = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "−": "$-$",
    "±": "$\\pm$",
    "×": "$\\times$",
  };
  return text.replace(/[\\~^&%$#_{}−±×]/g, (character) => replacements[character] ?? `\\${character}`);
}
