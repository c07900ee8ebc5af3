import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sumUp } from "../../../src/benchmarks/benchmark";
import { compareAnswers } from "../../../src/benchmarks/compare";
import { repope } from "../../../src/benchmarks/repope";
import { repopeQuestions } from "../../../src/benchmarks/repope/data";

const folder = mkdtempSync(join(tmpdir(), "repope-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Line = [id: number, image: string, label: string];

function write(name: string, lines: readonly Line[], text = "Is there a dog?"): string {
  const file = join(folder, name);
  const records = lines.map(([question_id, image, label]) => ({ question_id, image, text, label }));
  writeFileSync(file, records.map((record) => JSON.stringify(record)).join("\n"));
  return file;
}

const questions = write("coco_pope_random.json", [
  [1, "a.png", "yes"],
  [2, "b.png", "yes"],
  [3, "c.png", "no"],
  [4, "d.png", "no"],
]);
/** Question 2 is left out, question 4 is relabelled; the lines are not POPE's. */
const labels = write("coco_repope_random.json", [
  [4, "d.png", "yes"],
  [1, "a.png", "yes"],
  [3, "c.png", "no"],
]);

const { items } = repopeQuestions({ questions: [questions], labels: [labels] });
const parts = (replies: readonly string[]) =>
  replies.map((answer, i) => repope().read({ answer }, items[i]!));

test("labels are joined by id, and figures stand side by side", () => {
  expect(items.map(({ reference }) => reference)).toEqual(["yes", "unclear", "no", "yes"]);
  const { figures, intervals } = sumUp(repope(), parts(["Yes", "Yes", "No", "Yes"]));
  expect(figures).toMatchObject({
    "POPE random accuracy": 0.75, // d.png is a no there
    "RePOPE random accuracy": 1, // of three
    "POPE random precision": 2 / 3,
    "RePOPE random recall": 1,
  });
  expect(intervals["RePOPE random accuracy"]).toEqual([1, 1]);
  const { rows } = repope().table(parts(["Yes", "Yes", "No", "Yes"]), { figures, intervals });
  expect(rows.map((row) => [row[0], ...row.slice(-2)])).toEqual([
    ["POPE random", "", ""],
    ["RePOPE random", "1", "1"],
  ]);
});

test("tests are by RePOPE's labels; a question that it leaves out is neither fixed nor broken", () => {
  const [before, after] = [parts(["Yes", "No", "Yes", "No"]), parts(["Yes", "Yes", "No", "Yes"])];
  const { fixed, broken, differences } = compareAnswers(repope(), before, after);
  expect(fixed).toEqual(["c.png Is there a dog?", "d.png Is there a dog?"]);
  expect(broken).toEqual([]);
  expect(differences["RePOPE random accuracy"]).toBeCloseTo(2 / 3, 12);
  expect(differences["POPE random accuracy"]).toBe(0.25);
});

test("files of another split, unknown ids and a lacking file are refused", () => {
  const call = (...files: string[]) => repopeQuestions({ questions: [questions], labels: files });
  const cat = write("coco_repope_popular.json", [[1, "a.png", "yes"]], "Is there a cat?");
  expect(() => call(cat)).toThrow(
    'question_id 1 asks "Is there a cat?" about a.png, POPE\'s "Is there a dog?"',
  );
  expect(() => call(write("more.json", [[9, "a.png", "yes"]]))).toThrow("question_id 9 is none of POPE's");
  expect(() => call()).toThrow("1 question files need as many label files");
});
