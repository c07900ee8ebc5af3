import { seededRandom, shuffled } from "../../base/random";
import {
  type Attention,
  type aai,
  type Contrast,
  type greedy,
  type none,
  ParameterError,
  type Search,
} from "../../methods";
import type { Axes } from "./axes";
import { type Cell, collapse } from "./cells";
import type { Point } from "./point";
import { assign, defaults, type Settings, wholes } from "./settings";

type None = typeof none;
type Aai = ReturnType<typeof aai>;
type Greedy = ReturnType<typeof greedy>;

/** What every cell of a space has where no axis says otherwise. */
export interface Base<
  A extends Attention = Attention,
  C extends Contrast | None = Contrast | None,
  S extends Search = Search,
> {
  /** Default: none, or AAI where an axis varies its parameters. */
  attention?: A;
  /** Default: none. */
  contrast?: C;
  /** Default `greedy()`. */
  search?: S;
  prompt?: string;
  /** Default "chat". */
  template?: string;
  checkpoint?: string;
}

/**
 * Every decoding that a sweep tries, composed step by step; a space is never changed, each step gives a new one.
 *
 *   space({ search: greedy({ maxNewTokens: 64 }) })
 *     .grid({ attention: [none, aai(), pai()], "attention.alpha": range(0, 0.5, 0.1) })
 *     .cells();
 */
export function space<A extends Attention = Aai, C extends Contrast | None = None, S extends Search = Greedy>(
  base: Base<A, C, S> = {},
): Space<A, C, S> {
  const given = Object.entries(base).filter(([, value]) => value !== undefined);
  const start: Settings = { ...defaults, ...Object.fromEntries(given) };
  return new Space(start, undefined, []);
}

export class Space<A extends Attention, C extends Contrast | None, S extends Search> {
  readonly #base: Settings;
  /** undefined: no axis yet, the base alone. */
  readonly #points: readonly Point[] | undefined;
  readonly #named: readonly Point[];

  constructor(base: Settings, points: readonly Point[] | undefined, named: readonly Point[]) {
    this.#base = base;
    this.#points = points;
    this.#named = named;
  }

  /**
   * Every combination of the axes' values. An axis multiplies the cells whose method has its parameter and leaves the
   * others alone, so `attention: [none, aai()]` with `"attention.alpha": [0.1, 0.2]` makes three cells.
   * @throws ParameterError for an axis that no cell has, or a value that its method refuses
   */
  grid<A2 extends Attention = A, C2 extends Contrast | None = C, S2 extends Search = S>(
    axes: Axes<A2, C2, S2>,
  ): Space<A2, C2, S2> {
    return new Space(this.#base, multiply(this.#all(), axes), this.#named);
  }

  /** The axes' values side by side: the first of each together, then the second of each. @throws ParameterError */
  zip<A2 extends Attention = A, C2 extends Contrast | None = C, S2 extends Search = S>(
    axes: Axes<A2, C2, S2>,
  ): Space<A2, C2, S2> {
    const lists = listsOf(axes);
    const [first, ...others] = lists;
    const odd = others.find(([, values]) => values.length !== first![1].length);
    if (odd) {
      throw new ParameterError(
        `zip: ${first![0]} has ${first![1].length} values, ${odd[0]} ${odd[1].length}; axes side by side need as many.`,
      );
    }
    const columns = (first?.[1] ?? []).map((_, i) =>
      lists.map(([path, values]) => [path, values[i]] as const),
    );
    const points = this.#all().flatMap((point) => columns.map((column) => column.reduce(move, point)));
    for (const [path] of lists) requireMoved(path, points);
    return new Space(this.#base, points, this.#named);
  }

  /** As `grid`, for the cells that the condition holds for; the others stay as they are. @throws ParameterError */
  when(condition: (settings: Settings) => boolean, axes: Axes<A, C, S>): Space<A, C, S> {
    const [meant, others] = [true, false].map((wanted) =>
      this.#all().filter(({ settings }) => condition(settings) === wanted),
    );
    return new Space(this.#base, [...others!, ...multiply(meant!, axes)], this.#named);
  }

  /** A seeded choice of `count` of the cells that the axes made, in their order. @throws ParameterError where there are fewer */
  random(count: number, seed: number): Space<A, C, S> {
    const all = this.#all();
    if (!Number.isInteger(count) || count < 1 || count > all.length)
      throw new ParameterError(`random: ${count} cells were asked for; the space has ${all.length}.`);
    const order = shuffled(
      all.map((_, i) => i),
      seededRandom(seed),
    );
    const chosen = new Set(order.slice(0, count));
    return new Space(
      this.#base,
      all.filter((_, i) => chosen.has(i)),
      this.#named,
    );
  }

  /** Cells with names of their own beside those of the axes; what they do not say is as in the base. */
  named(cells: Readonly<Record<string, Base>>): Space<A, C, S> {
    const points = Object.entries(cells).map(([name, changes]) => ({
      settings: { ...this.#base, ...changes },
      at: {},
      name,
    }));
    return new Space(this.#base, this.#points, [...this.#named, ...points]);
  }

  /** Every cell once, the baseline (no edit, no contrast) first; the same decoding at several places is one cell. */
  cells(): Cell[] {
    const axes = this.#points === undefined && this.#named.length > 0 ? [] : this.#all();
    return collapse([...axes, ...this.#named]);
  }

  #all(): readonly Point[] {
    return this.#points ?? [{ settings: this.#base, at: {} }];
  }
}

/** Cells are worth listing, naming and comparing up to some number; a range with a step too small makes millions. */
const mostPoints = 100_000;

/** @throws ParameterError */
function multiply(points: readonly Point[], axes: object): Point[] {
  let product = [...points];
  for (const [path, values] of listsOf(axes)) {
    if (product.length * values.length > mostPoints)
      throw new ParameterError(
        `The space would have up to ${product.length * values.length} points with ${path}; at most ${mostPoints} are tried. Take fewer values.`,
      );
    product = product.flatMap((point) => {
      const moved = values.map((value) => move(point, [path, value]));
      return moved.includes(point) ? [point] : moved;
    });
    requireMoved(path, product);
  }
  return product;
}

/** Axes as lists, whole methods before their parameters. */
function listsOf(axes: object): [path: string, values: readonly unknown[]][] {
  const lists = Object.entries(axes)
    .filter(([, values]) => values !== undefined)
    .map(([path, values]) => [path, Array.isArray(values) ? values : [values]] as [string, unknown[]]);
  const empty = lists.find(([, values]) => values.length === 0);
  if (empty) throw new ParameterError(`The axis ${empty[0]} has no values.`);
  const rank = ([path]: [string, unknown]) => ((wholes as readonly string[]).includes(path) ? 0 : 1);
  return lists.sort((a, b) => rank(a) - rank(b));
}

/** The point with one value changed; the same point where it has no such parameter. */
function move(point: Point, [path, value]: readonly [string, unknown]): Point {
  const settings = assign(point.settings, path, value);
  return settings === undefined ? point : { settings, at: { ...point.at, [path]: value } };
}

function requireMoved(path: string, points: readonly Point[]): void {
  if (points.some(({ at }) => path in at)) return;
  throw new ParameterError(
    `The axis ${path} is a parameter of no cell; \`aai methods\` lists the parameters of every method.`,
  );
}
