import { groups } from "../../base/groups";
import { type Figures, isLowerBetter } from "../../benchmarks/figure";
import { figureTitle } from "../../benchmarks/tables";
import { type HeatCell, heatMap } from "../../report/charts/heat_map";
import { lineChart } from "../../report/charts/line_chart";
import { label, pathLabel } from "../space/labels";
import type { CellResult, MetricResult } from "./cell_result";
import type { Drawing } from "./drawing";
import { paretoFigure } from "./pareto_figure";
import { scaled, scaledInterval } from "./scaled";

/** A place in the space, and what was measured there. */
interface Place {
  at: Readonly<Record<string, unknown>>;
  result: CellResult;
}

/** Behind a figure of fewer answers than other cells have. */
const dagger = "†";

/** Level of the adjusted p-value below which a cell gets its asterisk. */
const level = 0.05;

/**
 * The pictures of a sweep by one metric, model by model: a heat map and lines over its first two axes (alpha and layers
 * where they are there), one each for every combination of the other axes; and what one figure costs in another, where the benchmark has such a pair.
 */
export function figures({ metric, primary, cells }: MetricResult): Drawing[] {
  const scored = cells.filter(({ items, figures }) => items > 0 && typeof figures[primary] === "number");
  return groups(scored, ({ cell }) => cell.settings.checkpoint ?? "").flatMap((model, index, models) => {
    const ofModel = models.length > 1 ? `.${index + 1}` : "";
    const where = models.length > 1 ? `, ${label(model[0]!.cell.settings.checkpoint)}` : "";
    const found = [
      ...overAxes(model, metric.figures, primary, where),
      ...(metric.tradeOff && model.length > 1
        ? [paretoFigure({ ...metric, tradeOff: metric.tradeOff }, model, where)]
        : []),
    ];
    return found.map(({ name, svg }) => ({ name: `${name}${ofModel}`, svg }));
  });
}

function overAxes(results: readonly CellResult[], infos: Figures, primary: string, where: string): Drawing[] {
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
    const title = [figureTitle(infos, primary), ...constant].join(", ") + where;
    const context = { slice, x, rows, infos, primary, title, results };
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
  infos: Figures;
  primary: string;
  title: string;
  /** Every cell of the model. */
  results: readonly CellResult[];
}

function heat({ slice, x, rows, infos, primary, title }: Context & { rows: string }): string {
  const columns = distinct(slice, x);
  const ranges = distinct(slice, rows);
  const lowerIsBetter = isLowerBetter(infos, primary);
  const whole = slice.filter(({ result }) => result.whole);
  const values = whole.map(({ result }) => scaled(result, infos, primary));
  const fewer = fewerAnswers(slice);
  const best = lowerIsBetter ? Math.min(...values) : Math.max(...values);
  const cellAt = (row: unknown, column: unknown): HeatCell => {
    const place = slice.find(({ at }) => same(at[rows], row) && same(at[x], column));
    if (place === undefined) return { value: undefined, label: "–", best: false };
    const { result } = place;
    const value = scaled(result, infos, primary);
    const clear = (result.comparison?.adjusted ?? 1) < level;
    const written = value.toFixed(1) + (clear ? "*" : "");
    if (!result.whole) return { value: undefined, label: written + dagger, best: false };
    return { value, label: written, best: value === best };
  };
  return heatMap({
    title,
    xLabel: axisLabel(x),
    yLabel: axisLabel(rows),
    columns: columns.map((column) => label(column)),
    rows: ranges.map((row) => label(row)),
    cells: ranges.map((row) => columns.map((column) => cellAt(row, column))),
    lowerIsBetter,
    scaleLabel: figureTitle(infos, primary),
    notes: [
      [
        ...whole.slice(0, 1).map(({ result }) => `${result.items} answers a cell.`),
        `* differs from its baseline (Wilcoxon, Holm-adjusted p < ${level}).`,
      ].join(" "),
      ...(fewer === undefined ? [] : [`${dagger} ${fewer}`]),
      "Framed: the best value; among many cells it looks better than it is.",
    ],
  });
}

/** "32 to 64 of 120 answers only": what is marked, where anything is. */
function fewerAnswers(slice: readonly Place[]): string | undefined {
  const fewer = slice.filter(({ result }) => !result.whole).map(({ result }) => result);
  if (fewer.length === 0) return undefined;
  const counts = fewer.map(({ items }) => items);
  const range = [...new Set([Math.min(...counts), Math.max(...counts)])].join(" to ");
  return `${range} of ${fewer[0]!.of} answers only, not to be compared with the others.`;
}

function lines({ slice, x, rows, infos, primary, title, results }: Context): string {
  const series =
    rows === undefined
      ? [slice]
      : distinct(slice, rows).map((row) => slice.filter(({ at }) => same(at[rows], row)));
  const fewer = fewerAnswers(slice);
  const byX = (a: { x: number }, b: { x: number }) => a.x - b.x;
  const baselineAt = ({ at, result }: Place) => {
    const baseline = results.find(({ cell }) => cell.id === result.cell.baseline);
    return baseline ? [{ x: at[x] as number, y: scaled(baseline, infos, primary) }] : [];
  };
  return lineChart({
    title,
    xLabel: axisLabel(x),
    yLabel: figureTitle(infos, primary),
    series: series.map((places) => ({
      name: rows === undefined ? primary : `${axisLabel(rows)} ${label(places[0]!.at[rows])}`,
      points: places
        .map(({ at, result }) => ({
          x: at[x] as number,
          y: scaled(result, infos, primary),
          interval: scaledInterval(result, infos, primary),
          hollow: !result.whole,
        }))
        .sort(byX),
      baseline: places.flatMap(baselineAt).sort(byX),
    })),
    notes: [
      ...baselineNote(slice, infos, primary, results),
      ...(fewer === undefined ? [] : [`Hollow: ${fewer}`]),
      "Bands: 95 % intervals over images, of each cell by itself; differences are surer than they look.",
    ],
  });
}

/** What is dashed: one cell with its figure, or several. */
function baselineNote(
  slice: readonly Place[],
  infos: Figures,
  primary: string,
  results: readonly CellResult[],
): string[] {
  const ids = new Set(slice.map(({ result }) => result.cell.baseline));
  const baselines = results.filter(({ cell }) => ids.has(cell.id));
  const [first, ...others] = baselines;
  if (first === undefined) return [];
  if (others.length > 0) return ["Dashed: the baseline of each cell."];
  return [`Dashed: ${first.cell.name}, ${scaled(first, infos, primary).toFixed(1)}.`];
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
