import { svgDocument } from "../svg";
import { faint, frame, line, type Plot, round, text, textWidth } from "./frame";
import { seriesColour } from "./palette";
import { linearScale, type Scale } from "./scale";

export interface LinePoint {
  x: number;
  y: number;
  /** Drawn as a band. */
  interval: readonly [number, number] | null;
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly { name: string; points: readonly LinePoint[] }[];
  /** A level to compare with. */
  baseline?: { name: string; value: number };
  note?: string;
}

const gap = 26;

/** One panel a series, on the same scales: a line with its band, and the level to compare with. */
export function lineChart({ title, xLabel, yLabel, series, baseline, note }: LineChart): string {
  const perRow = series.length === 4 ? 2 : 3;
  const columns = Math.min(perRow, series.length);
  const size = columns === 1 ? { width: 470, height: 280 } : { width: 236, height: 200 };
  const points = series.flatMap((one) => one.points);
  const ys = points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]);
  const levels = baseline ? [...ys, baseline.value] : ys;
  const panels = series.map(({ name, points: own }, i) => {
    const left = 68 + (i % perRow) * (size.width + gap + 34);
    const top = 66 + Math.floor(i / perRow) * (size.height + 74);
    const plot: Plot = { left, top, right: left + size.width, bottom: top + size.height };
    const x = linearScale(
      points.map((point) => point.x),
      [plot.left, plot.right],
      columns === 1 ? 8 : 4,
    );
    const y = linearScale(levels, [plot.bottom, plot.top]);
    const level = baseline && y(baseline.value);
    return [
      text(plot.left, plot.top - 10, name, { weight: "bold" }),
      frame(plot, { scale: x, label: xLabel }, { scale: y, label: i % perRow === 0 ? yLabel : "" }),
      band(own, x, y, seriesColour(i)),
      level === undefined ? "" : line([plot.left, level], [plot.right, level], baselineStyle),
      polyline(own, x, y, i),
    ].join("");
  });
  const bottom = 66 + Math.ceil(series.length / perRow) * (size.height + 74);
  const notes = [
    ...(baseline ? [`Dashed: ${baseline.name}, ${baseline.value.toFixed(1)}.`] : []),
    note ?? "",
  ];
  const foot = notes.join(" ").trim();
  const width = Math.max(
    68 + columns * (size.width + gap + 34) - 34,
    40 + textWidth(title, 14),
    30 + textWidth(foot, 10),
  );
  const content = [
    text(20, 26, title, { size: 14, weight: "bold" }),
    ...panels,
    text(20, bottom - 6, foot, { size: 10, fill: faint }),
  ];
  return svgDocument(Math.ceil(width), bottom + 8, content.join(""));
}

const baselineStyle = 'stroke="#222" stroke-width="1.2" stroke-dasharray="4 4"';

function seriesStyle(index: number): string {
  return `stroke="${seriesColour(index)}" stroke-width="2"`;
}

function band(points: readonly LinePoint[], x: Scale, y: Scale, colour: string): string {
  const known = points.filter(({ interval }) => interval !== null);
  if (known.length < 2) return "";
  const upper = known.map((point) => corner(x(point.x), y(point.interval![1])));
  const lower = known.map((point) => corner(x(point.x), y(point.interval![0]))).reverse();
  return `<polygon points="${[...upper, ...lower].join(" ")}" fill="${colour}" fill-opacity="0.2"/>`;
}

function polyline(points: readonly LinePoint[], x: Scale, y: Scale, index: number): string {
  const path = points.map((point) => corner(x(point.x), y(point.y))).join(" ");
  const marks = points.map(
    (point) =>
      `<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3.6" fill="${seriesColour(index)}" stroke="#fff" stroke-width="0.8"/>`,
  );
  return `<polyline points="${path}" fill="none" ${seriesStyle(index)}/>${marks.join("")}`;
}

const corner = (x: number, y: number) => `${round(x)},${round(y)}`;
