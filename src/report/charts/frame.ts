import { escapeText } from "../svg";
import type { Scale } from "./scale";

/** Where a chart's marks go, in the document's units. */
export interface Plot {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const ink = "#222";
export const faint = "#767676";

export interface TextStyle {
  size?: number;
  anchor?: "start" | "middle" | "end";
  weight?: "bold" | "normal";
  fill?: string;
  rotate?: number;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 11, anchor = "start", weight = "normal", fill = ink, rotate } = style;
  const turn = rotate === undefined ? "" : ` transform="rotate(${rotate} ${round(x)} ${round(y)})"`;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" fill="${fill}"${turn}>${escapeText(content)}</text>`;
}

/** Width of a text in the figures' font, a little more rather than less. */
export function textWidth(content: string, size = 11): number {
  return content.length * size * 0.62;
}

export function line(from: readonly [number, number], to: readonly [number, number], style: string): string {
  return `<line x1="${round(from[0])}" y1="${round(from[1])}" x2="${round(to[0])}" y2="${round(to[1])}" ${style}/>`;
}

export const round = (value: number) => Math.round(value * 10) / 10;

/** Title, axes with ticks and a light grid. */
export function frame(
  { left, top, right, bottom }: Plot,
  x: { scale: Scale; label: string; ticks?: readonly number[] },
  y: { scale: Scale; label: string },
): string {
  const grid = 'stroke="#e4e4e4" stroke-width="1"';
  const columns = (x.ticks ?? x.scale.ticks).map((tick) => {
    const at = x.scale(tick);
    return line([at, top], [at, bottom], grid) + text(at, bottom + 16, number(tick), { anchor: "middle" });
  });
  const rows = y.scale.ticks.map((tick) => {
    const at = y.scale(tick);
    return line([left, at], [right, at], grid) + text(left - 7, at + 4, number(tick), { anchor: "end" });
  });
  const axes = 'stroke="#444" stroke-width="1"';
  return [
    ...columns,
    ...rows,
    line([left, bottom], [right, bottom], axes),
    line([left, top], [left, bottom], axes),
    text((left + right) / 2, bottom + 36, x.label, { anchor: "middle", size: 12 }),
    text(left - 44, (top + bottom) / 2, y.label, { anchor: "middle", size: 12, rotate: -90 }),
  ].join("");
}

/** A number as axes show it, with a true minus. */
export function number(value: number): string {
  return String(Number(value.toPrecision(6))).replace("-", "−");
}
