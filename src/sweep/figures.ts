import type { Intervals } from "../metrics";
import { isLowerBetter } from "../metrics/metric";
import { type HeatCell, heatMap } from "../report/charts/heat_map";
import { lineChart } from "../report/charts/line_chart";
import { paretoChart } from "../report/charts/pareto_chart";
import { groups } from "../runs/groups";
import { label, pathLabel } from "./labels";
import type { CellResult, MetricResult } from "./result";

export interface Figure {
  /** File name without its ending. */
  name: string;
  svg: string;
}

/** A place in the space, and what was measured there. */
interface Place {
  at: Readonly<Record<string, unknown>>;
  result: CellResult;
}

/** Level of the adjusted p-value below which a cell gets its asterisk. */
const level = 0.05;

/**
 * The pictures of a sweep by one metric, model by model: a heat map and lines over its first two axes (alpha and layers
 * where they are there), one each for every combination of the other axes; and what CHAIRi costs in recall.
 */
export function figures({ metric, primary, cells }: MetricResult): Figure[] {
  const scored = cells.filter(({ items, figures }) => items > 0 && typeof figures[primary] === "number");
  return groups(scored, ({ cell }) => cell.settings.checkpoint ?? "").flatMap((model, index, models) => {
    const ofModel = models.length > 1 ? `.${index + 1}` : "";
    const where = models.length > 1 ? `, ${label(model[0]!.cell.settings.checkpoint)}` : "";
    const found = [
      ...overAxes(model, primary, where),
      ...(metric.kind === "chair" && model.length > 1 ? [pareto(model, where)] : []),
    ];
    return found.map(({ name, svg }) => ({ name: `${name}${ofModel}`, svg }));
  });
}

function overAxes(results: readonly CellResult[], primary: string, where: string): Figure[] {
  const places = results.flatMap((result) => result.cell.points.map((at) => ({ at, result })));
  const varied = variedPaths(places);
  const x = preferred(varied, "attention.alpha", (path) => isNumeric(places, path));
  if (x === undefined) return [];
  const rows = preferred(
    varied.filter((path) => path !== x),
    "attention.layers",
    () => true,
  );
  const others = varied.filter((path) => path !== x && path !== rows);
  const slices = groups(
    places.filter(({ at }) => x in at && (rows === undefined || rows in at)),
    ({ at }) => JSON.stringify(others.map((path) => at[path])),
  );
  return slices.flatMap((slice, index) => {
    const suffix = slices.length > 1 ? `-${index + 1}` : "";
    const constant = others
      .filter((path) => path in slice[0]!.at)
      .map((path) => `${pathLabel(path)}${label(slice[0]!.at[path])}`);
    const title = [`${primary} %`, ...constant].join(", ") + where;
    const context = { slice, x, rows, primary, title, baseline: results.find(({ cell }) => cell.baseline) };
    return [
      ...(rows === undefined ? [] : [{ name: `heat-map${suffix}`, svg: heat({ ...context, rows }) }]),
      { name: `lines${suffix}`, svg: lines(context) },
    ];
  });
}

interface Context {
  slice: readonly Place[];
  x: string;
  rows: string | undefined;
  primary: string;
  title: string;
  baseline: CellResult | undefined;
}

function heat({ slice, x, rows, primary, title }: Context & { rows: string }): string {
  const columns = distinct(slice, x);
  const ranges = distinct(slice, rows);
  const lowerIsBetter = isLowerBetter(primary);
  const values = slice.map(({ result }) => percent(result, primary));
  const best = lowerIsBetter ? Math.min(...values) : Math.max(...values);
  const cellAt = (row: unknown, column: unknown): HeatCell => {
    const place = slice.find(({ at }) => same(at[rows], row) && same(at[x], column));
    if (place === undefined) return { value: undefined, label: "–", best: false };
    const value = percent(place.result, primary);
    const clear = (place.result.comparison?.adjusted ?? 1) < level;
    return { value, label: value.toFixed(1) + (clear ? "*" : ""), best: value === best };
  };
  const answers = slice.map(({ result }) => result.items);
  const fewest = Math.min(...answers);
  const each = fewest === Math.max(...answers) ? `${fewest}` : `${fewest} or more`;
  return heatMap({
    title,
    xLabel: axisLabel(x),
    yLabel: axisLabel(rows),
    columns: columns.map((column) => label(column)),
    rows: ranges.map((row) => label(row)),
    cells: ranges.map((row) => columns.map((column) => cellAt(row, column))),
    lowerIsBetter,
    scaleLabel: `${primary} %`,
    notes: [
      `${each} answers a cell. * differs from the baseline (Wilcoxon, Holm-adjusted p < ${level}).`,
      "Framed: the best value; among many cells it looks better than it is.",
    ],
  });
}

function lines({ slice, x, rows, primary, title, baseline }: Context): string {
  const series =
    rows === undefined
      ? [slice]
      : distinct(slice, rows).map((row) => slice.filter(({ at }) => same(at[rows], row)));
  return lineChart({
    title,
    xLabel: axisLabel(x),
    yLabel: `${primary} %`,
    series: series.map((places) => ({
      name: rows === undefined ? primary : `${axisLabel(rows)} ${label(places[0]!.at[rows])}`,
      points: places
        .map(({ at, result }) => ({
          x: at[x] as number,
          y: percent(result, primary),
          interval: percentInterval(result.intervals, primary),
        }))
        .sort((a, b) => a.x - b.x),
    })),
    ...(baseline && { baseline: { name: baseline.cell.name, value: percent(baseline, primary) } }),
    note: "Bands: 95 % intervals over images, of each cell by itself; differences are surer than they look.",
  });
}

function pareto(results: readonly CellResult[], where: string): Figure {
  const svg = paretoChart({
    title: `What less hallucination costs in recall${where}`,
    xLabel: "CHAIRi % (less is better)",
    yLabel: "Recall % (more is better)",
    sizeLabel: "words",
    points: results
      .filter(({ figures }) => typeof figures.CHAIRi === "number" && typeof figures.Recall === "number")
      .map((result) => ({
        name: result.cell.name,
        x: percent(result, "CHAIRi"),
        y: percent(result, "Recall"),
        xInterval: percentInterval(result.intervals, "CHAIRi"),
        yInterval: percentInterval(result.intervals, "Recall"),
        size: percent(result, "Len"),
        baseline: result.cell.baseline,
      })),
    notes: [
      "Line: cells that no other beats in both figures. Bars: 95 % intervals over images. Colour: words a caption.",
    ],
  });
  return { name: "pareto", svg };
}

/** Paths that have several values, in the order in which the axes were given. */
function variedPaths(places: readonly Place[]): string[] {
  const paths = [...new Set(places.flatMap(({ at }) => Object.keys(at)))];
  return paths.filter((path) => distinct(places, path).length > 1);
}

function preferred(
  paths: readonly string[],
  first: string,
  fits: (path: string) => boolean,
): string | undefined {
  const fitting = paths.filter(fits);
  return fitting.includes(first) ? first : fitting[0];
}

function isNumeric(places: readonly Place[], path: string): boolean {
  return places.every(({ at }) => !(path in at) || typeof at[path] === "number");
}

/** Numbers by size, all else as they come. */
function distinct(places: readonly Place[], path: string): unknown[] {
  const known = places.filter(({ at }) => path in at).map(({ at }) => at[path]);
  const values = [...new Map(known.map((value) => [JSON.stringify(value), value])).values()];
  return values.every((value) => typeof value === "number")
    ? (values as number[]).sort((a, b) => a - b)
    : values.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const axisLabel = (path: string) => path.replace(/^attention\./, "");
/** Shares in per cent; CHAIR's Len times 100 is the number of words. */
const percent = ({ figures }: CellResult, name: string) => 100 * (figures[name] ?? Number.NaN);

function percentInterval(intervals: Intervals, name: string): [number, number] | null {
  const interval = intervals[name];
  return interval ? [100 * interval[0], 100 * interval[1]] : null;
}
