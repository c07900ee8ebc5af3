import { expect, test } from "vitest";
import { readResults } from "../../scripts/methods_demo/results";
import { answerSettings, captionSettings, control } from "../../scripts/methods_demo/settings";
import { answerTables, captionTables } from "../../scripts/methods_demo/tables";
import { methods } from "../../src/methods/registry";

const results = readResults();

test.each([
  ["captions", captionSettings, results.captions],
  ["answers", answerSettings, results.answers],
] as const)("the measured %s are of today's settings, and of every method", (_, settings, { rows }) => {
  const described = rows.map(({ name, attention, contrast, search }) => ({
    name,
    attention,
    contrast,
    search,
  }));
  expect(described).toEqual(JSON.parse(JSON.stringify(settings)));
  const names = methods.map(({ name }) => name);
  expect(names.filter((name) => !settings.some((setting) => setting.name.includes(`${name}(`)))).toEqual([]);
});

test("a name is what a script would write", () => {
  const names = captionSettings.map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(["greedy()", "aai()", "aai({ alpha: 0.1 })"]);
  expect(names).toContain("vaf({ layers: [1, 3] })");
  expect(names).toContain("pai() + paiCfg()");
  expect(names).toContain('opera({ mode: "clean" })');
  expect(names).toContain(control);
});

test("the baseline is compared with nothing; contrasts under sampling have a second table", () => {
  const [captions, controlled] = captionTables(results);
  expect(captions.rows).toHaveLength(captionSettings.length);
  expect(captions.rows[0]!.slice(-4)).toEqual(["–", "–", "–", "–"]);
  expect(captions.rows.find(([name]) => name === "`apcOnly()`")!.at(-1)).toBe("0"); // nothing changes the likeliest token
  const contrasts = controlled.rows.map(([name]) => name);
  expect(contrasts).toEqual(answerTables(results)[1].rows.map(([name]) => name));
  expect(contrasts).toContain("`vcd() + sample()`");
  expect(contrasts).not.toContain(`\`${control}\``);
});

test("with more comparisons a p value needs to be smaller", () => {
  const [{ columns, rows }] = captionTables(results);
  const [p, adjusted] = ["p", "p (Holm)"].map((name) => columns.findIndex((column) => column.name === name));
  const number = (cell: string) => Number(cell.replace("< ", ""));
  const tested = rows.filter((row) => row[p!] !== "–");
  expect(tested.length).toBeGreaterThan(10);
  for (const row of tested) expect(number(row[adjusted!]!)).toBeGreaterThanOrEqual(number(row[p!]!));
});
