import { describe, expect, it } from "vitest";
import { mcnemar, wilcoxon } from "../../src/statistics";

// Expected values: SciPy 1.17.1.
describe("wilcoxon", () => {
  const pattern = (n: number) => Array.from({ length: n }, (_, k) => (((k * 7) % 11) - 4) / 4);
  it.each([
    // scipy.stats.wilcoxon(x, correction=False).pvalue
    ["exact", [0.1, 0.4, -0.2, 0.7, -0.3, 0.9, 1.1, -0.5, 0.6, 0.8, 1.3, -0.05], 0.05224609375],
    ["ties and a zero, all sign patterns", [1, 1, -1, 2, 0, 2, -3, 3, 3], 0.2734375],
    [
      "exact, 30",
      Array.from({ length: 30 }, (_, i) => ((i + 1) % 3 ? i + 1 : -i - 1) / 10),
      0.17059839516878128,
    ],
    ["ties and zeros, normal, 20", pattern(20), 0.2580932481894861],
    ["ties and zeros, normal, 60", pattern(60), 0.020689043721346168],
    ["far tail", Array.from({ length: 400 }, (_, k) => (((k * 37) % 101) - 20) / 7), 2.774033837021648e-47],
  ])("%s", (_, differences, expected) => {
    expect(wilcoxon(differences)! / expected).toBeCloseTo(1, 9);
  });

  it("has nothing to say about equal runs", () => {
    expect(wilcoxon([0, 0, 0])).toBeNull();
  });
});

describe("mcnemar", () => {
  it.each([
    // scipy.stats.binomtest(min(b, c), b + c).pvalue
    [3, 9, 0.14599609375],
    [0, 5, 0.0625],
    [40, 60, 0.05688793364098089],
    [7, 7, 1],
    [120, 80, 0.005685155996750306],
    [0, 0, 1],
  ])("%i fixed, %i broken", (fixed, broken, expected) => {
    expect(mcnemar(fixed, broken)).toBeCloseTo(expected, 12);
  });
});
