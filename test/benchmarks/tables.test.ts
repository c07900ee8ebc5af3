import { expect, test } from "vitest";
import { pope } from "../../src/benchmarks";
import { chairFigures } from "../../src/benchmarks/chair/figures";
import { popeTable } from "../../src/benchmarks/pope/table";
import { figureCell, intervalCell } from "../../src/benchmarks/tables";

test("shares are printed in per cent, and nothing is minus nothing", () => {
  expect(figureCell(chairFigures.CHAIRi!, -0.0123)).toBe("−1.2");
  expect(figureCell(chairFigures.CHAIRi!, -0.0004)).toBe("0.0");
  expect(figureCell(chairFigures.Len!, 0.428)).toBe("42.8");
  expect(figureCell(chairFigures.Mentions!, 6.94)).toBe("6.9");
  expect(figureCell(chairFigures.CHAIRi!, null)).toBe("–");
  expect(intervalCell(chairFigures.CHAIRi!, -0.007, [-0.014, -0.0001])).toBe("−0.7 [−1.4, 0.0]");
});

test("a POPE table says of how many answers each row is, and how many questions are distinct", () => {
  const ask = (split: string, object: string) => ({
    ...{ question_id: object, image: "1.jpg", text: `Is there a ${object}?`, split },
    ...{ label: "yes" as const, answer: "yes" },
  });
  const answers = [ask("random", "dog"), ask("random", "cat"), ask("popular", "dog")];
  const { columns, rows } = popeTable(pope.score(answers, "exact", { resamples: 1 }));
  expect(columns.at(-1)!.name).toBe("answers");
  expect(rows.map((row) => [row[0], row.at(-1)])).toEqual([
    ["random", "2"],
    ["popular", "1"],
    ["mean", "3 (2 distinct)"],
  ]);
});
