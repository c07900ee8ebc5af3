import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writePng } from "../../report/svg";
import { renderTable, type TableFormat } from "../../report/tables";
import { figures } from "./figures";
import type { ExperimentResult } from "./result";
import { seedTable } from "./seeds";
import { resultTable, tableNote } from "./table";

const endings: Record<TableFormat, string> = {
  terminal: "txt",
  markdown: "md",
  csv: "csv",
  latex: "tex",
  json: "json",
};

/** Files of an earlier report, which the sweep may have outgrown. */
const ours = /^(\d+-)?(table|seeds|heat-map|lines|pareto)\b.*\.(txt|md|csv|tex|json|svg|png)$/;

/** Writes every table and figure of a sweep into its folder `report`. Returns the files. */
export async function writeReport(result: ExperimentResult): Promise<string[]> {
  const folder = join(result.folder, "report");
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (ours.test(file)) rmSync(join(folder, file));
  const written: string[] = [];
  const name = (file: string) => {
    written.push(join(folder, file));
    return written.at(-1)!;
  };
  for (const [index, metric] of result.metrics.entries()) {
    const ofMetric = result.metrics.length > 1 ? `${index + 1}-` : "";
    const seeds = seedTable(metric);
    for (const [format, ending] of Object.entries(endings) as [TableFormat, string][]) {
      const table = renderTable(resultTable(metric), format);
      const note = format === "terminal" || format === "markdown" ? `\n\n${tableNote(metric)}` : "";
      writeFileSync(name(`${ofMetric}table.${ending}`), `${table}${note}\n`);
      if (seeds) writeFileSync(name(`${ofMetric}seeds.${ending}`), `${renderTable(seeds, format)}\n`);
    }
    for (const figure of figures(metric)) {
      writeFileSync(name(`${ofMetric}${figure.name}.svg`), figure.svg);
      await writePng(name(`${ofMetric}${figure.name}.png`), figure.svg);
    }
  }
  return written;
}
