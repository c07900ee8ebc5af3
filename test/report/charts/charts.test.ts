import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, expect, test } from "vitest";
import { heatMap } from "../../../src/report/charts/heat_map";
import { lineChart } from "../../../src/report/charts/line_chart";
import { paretoChart, paretoFront } from "../../../src/report/charts/pareto_chart";
import { placeLabels } from "../../../src/report/charts/place_labels";
import { linearScale } from "../../../src/report/charts/scale";
import { writePng } from "../../../src/report/svg";

const folder = mkdtempSync(join(tmpdir(), "charts-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("ticks are round numbers within the scale", () => {
  const scale = linearScale([0, 0.3], [0, 300]);
  expect(scale.ticks).toEqual([0, 0.1, 0.2, 0.3]);
  expect(scale(0.3) - scale(0)).toBeCloseTo(300 / 1.1, 9);
  expect(linearScale([7, 7], [0, 1]).ticks.length).toBeGreaterThan(0);
  expect(linearScale([-3, 12], [0, 1]).ticks).toEqual([0, 5, 10]);
});

test("the front is what nothing beats in both", () => {
  const points = [
    [1, 1],
    [2, 3],
    [3, 2],
    [2, 1],
    [4, 4],
    [1, 1],
  ].map(([x, y]) => ({ x: x!, y: y! }));
  expect(paretoFront(points)).toEqual([
    { x: 1, y: 1 },
    { x: 1, y: 1 },
    { x: 2, y: 3 },
    { x: 4, y: 4 },
  ]);
});

test("labels keep off one another, off the points, and within the plot", () => {
  const plot = { left: 0, top: 0, right: 400, bottom: 300 };
  const points = Array.from(
    { length: 12 },
    (_, i) => [150 + (i % 4) * 6, 120 + Math.floor(i / 4) * 5] as const,
  );
  const labels = placeLabels(points, points, plot);
  const all = [...labels, ...points];
  for (const [i, [x, y]] of labels.entries()) {
    expect(x > 0 && x < 400 && y > 0 && y < 300).toBe(true);
    for (const [j, [ox, oy]] of all.entries())
      if (i !== j) expect(Math.hypot(x - ox, y - oy)).toBeGreaterThan(17);
  }
});

test("a heat map writes every value, stars and frames included", async () => {
  const svg = heatMap({
    title: "CHAIRi % <of> & more",
    ...{ xLabel: "alpha", yLabel: "layers", columns: ["0", "0.1"], rows: ["0-3", "2-6"] },
    cells: [
      [
        { value: 6, label: "6.0", best: false },
        { value: 5, label: "5.0*", best: true },
      ],
      [
        { value: 6, label: "6.0", best: false },
        { value: undefined, label: "–", best: false },
      ],
    ],
    ...{ lowerIsBetter: true, scaleLabel: "CHAIRi %", notes: ["A note."] },
  });
  for (const label of [
    ">6.0<",
    ">5.0*<",
    ">–<",
    ">0-3<",
    ">2-6<",
    ">5.0 best<",
    ">6.0 worst<",
    "&lt;of&gt; &amp;",
  ])
    expect(svg).toContain(label);
  await writePng(join(folder, "heat.png"), svg, 1);
  const picture = PNG.sync.read(readFileSync(join(folder, "heat.png")));
  expect([picture.width, picture.height]).toEqual(
    /width="(\d+)" height="(\d+)"/.exec(svg)!.slice(1).map(Number),
  );
});

test("a line chart has a panel, a line and a band a series, on the same scale", () => {
  const points = [0, 0.1, 0.2].map((x) => ({ x, y: 10 * x, interval: [9 * x, 11 * x + 1] as const }));
  const chart = { title: "T", xLabel: "alpha", yLabel: "CHAIRi %" };
  const series = ["a", "b", "c", "d"].map((name) => ({ name, points, baseline: [{ x: 0, y: 1 }] }));
  const svg = lineChart({ ...chart, series, notes: ["Dashed: plain, 1.0."] });
  expect(svg.match(/<polyline/g)).toHaveLength(4);
  expect(svg.match(/<polygon/g)).toHaveLength(4);
  expect(svg.match(/stroke-dasharray/g)).toHaveLength(4);
  expect(svg).toContain("Dashed: plain, 1.0.");
  expect(svg).not.toContain("NaN");
});

test("a line whose points have different baselines is beside a dashed line; what does not compare is hollow", () => {
  const points = [1, 2].map((x) => ({ x, y: x, interval: null, hollow: x === 2 }));
  const baseline = [1, 2].map((x) => ({ x, y: 3 - x }));
  const svg = lineChart({ title: "T", xLabel: "x", yLabel: "y", series: [{ name: "a", points, baseline }] });
  expect(svg.match(/<polyline[^>]*stroke-dasharray/g)).toHaveLength(1);
  expect(svg.match(/<circle[^>]*fill="#fff"/g)).toHaveLength(1);
});

test("a heat map without a value to compare has no scale", () => {
  const svg = heatMap({
    ...{ title: "T", xLabel: "x", yLabel: "y", columns: ["0"], rows: ["0"], scaleLabel: "%", notes: [] },
    ...{ cells: [[{ value: undefined, label: "5.0†", best: false }]], lowerIsBetter: true },
  });
  expect(svg).toContain(">5.0†<");
  expect(svg).not.toMatch(/Infinity|NaN|worst/);
});

test("what has fewer answers beats nobody on a Pareto chart", () => {
  const point = (name: string, x: number, fewer?: string) => ({
    ...{ name, x, y: 90, size: 40, baseline: false, xInterval: null, yInterval: null },
    ...(fewer !== undefined && { fewer }),
  });
  const points = [point("lucky", 1, "64 of 120 answers"), point("best", 5), point("worse", 9)];
  const svg = paretoChart({ title: "T", xLabel: "x", yLabel: "y", sizeLabel: "words", points, notes: [] });
  expect(svg).toContain("1  best: 5.0 / 90.0");
  expect(svg).toContain("2  lucky (64 of 120 answers): 1.0 / 90.0");
});

test("a Pareto chart numbers its points and tells them in words", () => {
  const point = (name: string, x: number, y: number, baseline = false) => ({
    ...{ name, x, y, size: 40 + x, baseline },
    ...{ xInterval: [x - 1, x + 1] as const, yInterval: null },
  });
  const points = [point("plain", 6, 95, true), point("best", 5, 96), point("worse", 9, 80)];
  const few = paretoChart({ title: "T", xLabel: "x", yLabel: "y", sizeLabel: "words", points, notes: [] });
  expect(few).toContain("1  best: 5.0 / 96.0, 45.0 words");
  expect(few).toContain("2  plain (baseline): 6.0 / 95.0, 46.0 words");
  expect(few).toContain("3  worse: 9.0 / 80.0");
  const crowd = [...points, ...Array.from({ length: 20 }, (_, i) => point(`cell ${i}`, 8 + i, 70))];
  const many = paretoChart({
    title: "T",
    xLabel: "x",
    yLabel: "y",
    sizeLabel: "words",
    points: crowd,
    notes: [],
  });
  expect(many).toContain("2  plain (baseline)");
  expect(many).not.toContain("cell 3:");
});
