import { svgDocument } from "../svg";
import { faint, frame, line, type Plot, round, text, textWidth } from "./frame";
import { seriesColour } from "./palette";
import { linearScale, type Scale } from "./scale";

export interface LinePoint {
  x: number;
  y: number;
  /** Drawn as a band. */
  interval: readonly [number, number] | null;
  /** Not to be compared with the others: a hollow mark. */
  hollow?: boolean;
}

export interface LineSeries {
  name: string;
  points: readonly LinePoint[];
  /** What the points are compared with, dashed; across the whole panel where it is one level. */
  baseline?: readonly { x: number; y: number }[];
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly LineSeries[];
  notes?: readonly string[];
}

const gap = 26;

/** One panel a series, on the same scales: a line with its band, and what to compare it with. */
export function lineChart({ title, xLabel, yLabel, series, notes = [] }: LineChart): string {
  const perRow = series.length === 4 ? 2 : 3;
  const columns = Math.min(perRow, series.length);
  const size = columns === 1 ? { width: 470, height: 280 } : { width: 236, height: 200 };
  const points = series.flatMap((one) => one.points);
  const ys = points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]);
  const levels = [...ys, ...series.flatMap(({ baseline = [] }) => baseline.map(({ y }) => y))];
  const panels = series.map(({ name, points: own, baseline = [] }, i) => {
    const left = 68 + (i % perRow) * (size.width + gap + 34);
    const top = 66 + Math.floor(i / perRow) * (size.height + 74);
    const plot: Plot = { left, top, right: left + size.width, bottom: top + size.height };
    const x = linearScale(
      points.map((point) => point.x),
      [plot.left, plot.right],
      columns === 1 ? 8 : 4,
    );
    const y = linearScale(levels, [plot.bottom, plot.top]);
    return [
      text(plot.left, plot.top - 10, name, { weight: "bold" }),
      frame(plot, { scale: x, label: xLabel }, { scale: y, label: i % perRow === 0 ? yLabel : "" }),
      band(own, x, y, seriesColour(i)),
      dashed(baseline, x, y, plot),
      polyline(own, x, y, i),
    ].join("");
  });
  const bottom = 66 + Math.ceil(series.length / perRow) * (size.height + 74);
  const foot = notes.join(" ");
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

/** A level through the panel, or a line where the points are compared with different cells. */
function dashed(baseline: readonly { x: number; y: number }[], x: Scale, y: Scale, plot: Plot): string {
  const levels = [...new Set(baseline.map((point) => y(point.y)))];
  if (levels.length === 0) return "";
  if (levels.length === 1) return line([plot.left, levels[0]!], [plot.right, levels[0]!], baselineStyle);
  const path = baseline.map((point) => corner(x(point.x), y(point.y))).join(" ");
  return `<polyline points="${path}" fill="none" ${baselineStyle}/>`;
}

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
  const marks = points.map((point) => {
    const colour = seriesColour(index);
    const [fill, stroke, width] = point.hollow ? ["#fff", colour, 1.6] : [colour, "#fff", 0.8];
    return `<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3.6" fill="${fill}" stroke="${stroke}" stroke-width="${width}"/>`;
  });
  return `<polyline points="${path}" fill="none" ${seriesStyle(index)}/>${marks.join("")}`;
}

const corner = (x: number, y: number) => `${round(x)},${round(y)}`;
