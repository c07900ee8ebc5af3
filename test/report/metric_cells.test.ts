import { expect, test } from "vitest";
import { intervalCell, metricCell } from "../../src/report/metric_cells";

test("shares are printed in per cent, and nothing is minus nothing", () => {
  expect(metricCell("CHAIRi", -0.0123)).toBe("−1.2");
  expect(metricCell("CHAIRi", -0.0004)).toBe("0.0");
  expect(metricCell("Len", 0.428)).toBe("42.8");
  expect(metricCell("Mentions", 6.94)).toBe("6.9");
  expect(metricCell("CHAIRi", null)).toBe("–");
  expect(intervalCell("CHAIRi", -0.007, [-0.014, -0.0001])).toBe("−0.7 [−1.4, 0.0]");
});
