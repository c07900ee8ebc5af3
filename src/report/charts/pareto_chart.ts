import { svgDocument } from "../svg";
import { faint, frame, line, number, type Plot, round, text, textWidth } from "./frame";
import { sequential } from "./palette";
import { placeLabels } from "./place_labels";
import { linearScale } from "./scale";

export interface ParetoPoint {
  name: string;
  x: number;
  y: number;
  xInterval: readonly [number, number] | null;
  yInterval: readonly [number, number] | null;
  /** Shown by colour, and in words. */
  size: number;
  baseline: boolean;
  /** How many answers it has, where others have more. It is drawn hollow, and never on the front. */
  fewer?: string;
}

export interface ParetoChart {
  title: string;
  xLabel: string;
  yLabel: string;
  sizeLabel: string;
  /** Better is less x and more y. */
  points: readonly ParetoPoint[];
  notes: readonly string[];
}

const faintBar = 'stroke="#bbb" stroke-width="0.8"';

/** Points up to which each is numbered; of more, the front and the baseline. */
const mostNamed = 12;

/** Points with error bars, those that no other beats in both joined by a line, numbered and named beside the plot. */
export function paretoChart({ title, xLabel, yLabel, sizeLabel, points, notes }: ParetoChart): string {
  const front = paretoFront(points.filter(({ fewer }) => fewer === undefined));
  const plot: Plot = { left: 68, top: 44, right: 540, bottom: 380 };
  const x = linearScale(
    points.flatMap((point) => [point.x, ...(point.xInterval ?? [])]),
    [plot.left, plot.right],
  );
  const y = linearScale(
    points.flatMap((point) => [point.y, ...(point.yInterval ?? [])]),
    [plot.bottom, plot.top],
  );
  const sizes = points.map(({ size }) => size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const colour = (size: number) => sequential(most > least ? (size - least) / (most - least) : 0.5);
  const behind = points.filter((point) => !front.includes(point));
  const named = [...front, ...behind.filter(({ baseline }) => baseline || points.length <= mostNamed)];
  const others = points.filter((point) => !named.includes(point));
  const at = (point: ParetoPoint) => [x(point.x), y(point.y)] as const;
  const bars = (point: ParetoPoint, style: string) => [
    ...(point.xInterval
      ? [line([x(point.xInterval[0]), y(point.y)], [x(point.xInterval[1]), y(point.y)], style)]
      : []),
    ...(point.yInterval
      ? [line([x(point.x), y(point.yInterval[0])], [x(point.x), y(point.yInterval[1])], style)]
      : []),
  ];
  const dot = (point: ParetoPoint, opacity: number) => {
    const [cx, cy] = at(point);
    const [fill, stroke] =
      point.fewer === undefined ? [colour(point.size), "#222"] : ["#fff", colour(point.size)];
    const look = `fill="${fill}" stroke="${stroke}" stroke-width="${point.fewer === undefined ? 1 : 2}" opacity="${opacity}"`;
    return point.baseline
      ? `<rect x="${round(cx - 5)}" y="${round(cy - 5)}" width="10" height="10" ${look}/>`
      : `<circle cx="${round(cx)}" cy="${round(cy)}" r="5.5" ${look}/>`;
  };
  const labels = placeLabels(named.map(at), points.map(at), plot);
  const marks = labels.map(([lx, ly], i) => {
    const [px, py] = at(named[i]!);
    return (
      line([px, py], [lx, ly], 'stroke="#555" stroke-width="0.8"') +
      `<circle cx="${round(lx)}" cy="${round(ly)}" r="8.5" fill="#fff" stroke="#222" stroke-width="1"/>` +
      text(lx, ly + 3.5, String(i + 1), { size: 10, anchor: "middle", weight: "bold" })
    );
  });
  const legend = named.map((point, i) => legendLine(point, i + 1, sizeLabel));
  const steps = front.map((point) => at(point).map(round).join(",")).join(" ");
  const width = Math.max(
    plot.right + 40 + Math.max(...legend.map((one) => textWidth(one, 10.5))),
    ...notes.map((note) => 30 + textWidth(note, 10)),
  );
  const height = Math.max(plot.bottom + 58, plot.top + 90 + legend.length * 18) + 14 * notes.length;
  const content = [
    text(plot.left, 26, title, { size: 14, weight: "bold" }),
    frame(plot, { scale: x, label: xLabel }, { scale: y, label: yLabel }),
    ...others.flatMap((point) => bars(point, faintBar)),
    ...named.flatMap((point) =>
      bars(point, front.includes(point) || point.baseline ? 'stroke="#666" stroke-width="1"' : faintBar),
    ),
    `<polyline points="${steps}" fill="none" stroke="#222" stroke-width="1.4"/>`,
    ...others.map((point) => dot(point, 0.45)),
    ...named.map((point) => dot(point, 1)),
    ...marks,
    ...legend.map((one, i) => text(plot.right + 24, plot.top + 10 + i * 18, one, { size: 10.5 })),
    sizeBar(plot.right + 24, plot.top + 24 + legend.length * 18, sizeLabel, least, most),
    ...notes.map((note, i) =>
      text(20, height - 8 - 14 * (notes.length - 1 - i), note, { size: 10, fill: faint }),
    ),
  ];
  return svgDocument(Math.ceil(width), Math.ceil(height), content.join(""));
}

/** Points that no other beats in one figure without losing in the other, by x. */
export function paretoFront<Point extends { x: number; y: number }>(points: readonly Point[]): Point[] {
  const beats = (a: Point, b: Point) => a.x <= b.x && a.y >= b.y && (a.x < b.x || a.y > b.y);
  return points
    .filter((point) => !points.some((other) => beats(other, point)))
    .sort((a, b) => a.x - b.x || a.y - b.y);
}

function legendLine(
  { name, x, y, size, baseline, fewer }: ParetoPoint,
  place: number,
  sizeLabel: string,
): string {
  const figures = `${x.toFixed(1)} / ${y.toFixed(1)}, ${size.toFixed(1)} ${sizeLabel}`;
  const notes = [...(baseline ? ["baseline"] : []), ...(fewer === undefined ? [] : [fewer])];
  return `${place}  ${name}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}: ${figures}`;
}

function sizeBar(x: number, y: number, label: string, least: number, most: number): string {
  const steps = 30;
  const strips = Array.from(
    { length: steps },
    (_, i) =>
      `<rect x="${round(x + i * 4)}" y="${y}" width="4.4" height="10" fill="${sequential(i / (steps - 1))}"/>`,
  );
  return [
    ...strips,
    text(x, y + 24, number(Number(least.toFixed(1))), { size: 10 }),
    text(x + 120, y + 24, number(Number(most.toFixed(1))), { size: 10, anchor: "end" }),
    text(x + 130, y + 9, label, { size: 10 }),
  ].join("");
}
