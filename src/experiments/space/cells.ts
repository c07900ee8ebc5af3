import { identityOf } from "../../base/identity";
import { label, pathLabel } from "./labels";
import type { Point } from "./point";
import { isPlain, plain, type Settings, withoutIdle } from "./settings";

/** One decoding of a sweep. */
export interface Cell {
  /** Unique in its sweep, such as "alpha 0.1, layers 2-32". */
  name: string;
  settings: Settings;
  /** The values that the axes have here: several where different values mean the same decoding. */
  points: Readonly<Record<string, unknown>>[];
}

/**
 * One cell a decoding: neutral edits are no edits, what is the same is there once. The plain cells come first, one for every
 * search, prompt, template and checkpoint that a cell has, added where they lack: each cell is compared with its own.
 */
export function collapse(points: readonly Point[]): Cell[] {
  const cells = new Map<string, Cell>();
  const telling = tellingPaths(points);
  const add = (
    { settings, at, name = nameOf(withoutIdle(settings), at, telling) }: Point,
    places: Cell["points"],
  ) => {
    const clean = withoutIdle(settings);
    const key = keyOf(clean);
    const known = cells.get(key);
    if (known) known.points.push(...places);
    else cells.set(key, { name, settings: clean, points: places });
    return cells.get(key)!;
  };
  for (const point of baselines(points)) add(point, []);
  for (const point of points) {
    const cell = add(point, [point.at]);
    cell.name = point.name ?? cell.name;
  }
  return unique([...cells.values()]);
}

/** Every decoding of a point with nothing done to it, once. */
function baselines(points: readonly Point[]): Point[] {
  const found = new Map<string, Point>();
  for (const { settings, at, name } of points) {
    const kept = Object.entries(at).filter(([path]) => !/^(attention|contrast)\b/.test(path));
    const base = plain(settings);
    const first = points[0]!.settings;
    const point = { settings: base, at: Object.fromEntries(kept) };
    const key = keyOf(base);
    if (!found.has(key))
      found.set(key, name === undefined ? point : { ...point, name: plainName(base, first) });
  }
  return [...found.values()];
}

/** The name of the plain cell beside a cell that was named by hand: it says in what it differs from the first point. */
function plainName(settings: Settings, first: Settings): string {
  const own = (["checkpoint", "search", "prompt", "template"] as const).filter(
    (path) => JSON.stringify(settings[path]) !== JSON.stringify(first[path]),
  );
  return ["plain", ...own.map((path) => `${pathLabel(path)}${label(settings[path])}`)].join(", ");
}

function keyOf(settings: Settings): string {
  return identityOf(describable(settings));
}

/** Float arrays as lists: JSON has no other word for them. */
function describable(settings: Settings): unknown {
  return JSON.parse(
    JSON.stringify(settings, (_, value) => (value instanceof Float32Array ? [...value] : value)),
  );
}

/** What tells cells apart: whole methods, and whatever has several values. */
function tellingPaths(points: readonly Point[]): Set<string> {
  const values = new Map<string, Set<string>>();
  for (const { at } of points) {
    for (const [path, value] of Object.entries(at))
      values.set(path, (values.get(path) ?? new Set()).add(JSON.stringify(value)));
  }
  const telling = [...values].filter(([path, { size }]) => size > 1 || /^(attention|contrast)$/.test(path));
  return new Set(telling.map(([path]) => path));
}

function nameOf(settings: Settings, at: Point["at"], telling: ReadonlySet<string>): string {
  const parts = Object.entries(at)
    .filter(([path]) => telling.has(path) && !(isPlain(settings) && /^(attention|contrast)\b/.test(path)))
    .map(([path, value]) => `${pathLabel(path)}${label(value, parametersBeside(path, at))}`);
  return [...(isPlain(settings) ? ["plain"] : []), ...parts].join(", ") || label(settings.attention);
}

/** Parameters of a whole method that have an axis of their own here. */
function parametersBeside(path: string, at: Point["at"]): string[] {
  const paths = Object.keys(at).map((one) => (one === "seed" ? "search.seed" : one));
  return paths.filter((one) => one.startsWith(`${path}.`)).map((one) => one.slice(path.length + 1));
}

function unique(cells: Cell[]): Cell[] {
  const seen = new Map<string, number>();
  return cells.map((cell) => {
    const times = (seen.get(cell.name) ?? 0) + 1;
    seen.set(cell.name, times);
    return times === 1 ? cell : { ...cell, name: `${cell.name} (${times})` };
  });
}
