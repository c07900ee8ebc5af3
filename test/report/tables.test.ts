import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { findPython } from "../../src/environment/python";
import { renderTable, type Table } from "../../src/report/tables";

const table: Table = {
  columns: [{ name: "method" }, { name: "CHAIRi", align: "right" }],
  rows: [
    ["plain", "12.7"],
    ['aai "α|β", 50%_x', "−1.2"],
  ],
};

test("terminal columns line up", () => {
  expect(renderTable(table)).toBe(
    'method            CHAIRi\n────────────────  ──────\nplain               12.7\naai "α|β", 50%_x    −1.2',
  );
});

test("Markdown escapes the column sign and aligns numbers right", () => {
  expect(renderTable(table, "markdown").split("\n")).toEqual([
    "| method            | CHAIRi |",
    "| ----------------- | -----: |",
    "| plain             |   12.7 |",
    '| aai "α\\|β", 50%_x |   −1.2 |',
  ]);
});

test("Python's csv module reads the CSV back", () => {
  const script =
    "import csv, io, json, sys; print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.read(), newline='')))))";
  const { stdout } = spawnSync(findPython().python, ["-c", script], {
    input: renderTable(table, "csv"),
    encoding: "utf8",
  });
  expect(JSON.parse(stdout)).toEqual([["method", "CHAIRi"], ...table.rows]);
});

test("LaTeX escapes what LaTeX would read", () => {
  expect(renderTable(table, "latex")).toContain('aai "α|β", 50\\%\\_x & $-$1.2 \\\\');
});

test("JSON has one object a row", () => {
  expect(JSON.parse(renderTable(table, "json"))[0]).toEqual({ method: "plain", CHAIRi: "12.7" });
});

test("names of files and models are neither formulas, nor HTML, nor commands of a terminal", () => {
  const odd = { columns: [{ name: "cell" }], rows: [["=1+1"], ["-0.5"], ["<b>x</b> | y"], ["\x1b[2Jgone"]] };
  expect(renderTable(odd, "csv").split("\r\n").slice(1)).toEqual([
    "'=1+1",
    "-0.5",
    "<b>x</b> | y",
    "\x1b[2Jgone",
  ]);
  expect(renderTable(odd, "markdown")).toContain("| &lt;b>x&lt;/b> \\| y |");
  expect(renderTable(odd, "terminal")).toContain("·[2Jgone");
});
