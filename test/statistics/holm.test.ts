import { expect, it } from "vitest";
import { holm } from "../../src/statistics";

// Worked by hand: the k-th smallest of m times m - k + 1, never below the one before it, at most 1.
it.each([
  [
    [0.01, 0.02, 0.03, 0.04, 0.05],
    [0.05, 0.08, 0.09, 0.09, 0.09],
  ],
  [
    [0.04, 0.001, 0.6],
    [0.08, 0.003, 0.6],
  ],
  [
    [0.7, 0.4],
    [0.8, 0.8],
  ],
])("p %j, adjusted %j", (p, expected) => {
  for (const [i, value] of holm(p).entries()) expect(value).toBeCloseTo(expected[i]!, 12);
});

it("leaves out what was not tested", () => {
  expect(holm([null, 0.02, null, 0.5])).toEqual([null, 0.04, null, 0.5]);
});
