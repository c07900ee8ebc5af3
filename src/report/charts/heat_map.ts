import { svgDocument } from "../svg";
import { faint, round, text, textWidth } from "./frame";
import { inkOn, sequential } from "./palette";

export interface HeatCell {
  /** undefined: not measured, or not to be compared with the others. Grey, and no part of the scale. */
  value: number | undefined;
  /** Written into the cell. */
  label: string;
  /** Framed: the best one. */
  best: boolean;
}

export interface HeatMap {
  title: string;
  xLabel: string;
  yLabel: string;
  columns: readonly string[];
  rows: readonly string[];
  /** Row by row. */
  cells: readonly (readonly HeatCell[])[];
  /** Whether the brightest colour goes to the least value. */
  lowerIsBetter: boolean;
  /** What the colours measure. */
  scaleLabel: string;
  notes: readonly string[];
}

const cellHeight = 38;

/** A grid of values, bright where it is good, each written into its cell. */
export function heatMap(map: HeatMap): string {
  const { title, xLabel, yLabel, columns, rows, cells, lowerIsBetter, scaleLabel, notes } = map;
  const all = cells.flat();
  const cellWidth = Math.max(
    62,
    14 + Math.max(...[...all.map(({ label }) => label), ...columns].map((one) => textWidth(one))),
  );
  const left = 56 + Math.max(...rows.map((row) => textWidth(row)));
  const top = 48;
  const right = left + columns.length * cellWidth;
  const bottom = top + rows.length * cellHeight;
  const values = all.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const goodness = (value: number) => {
    const share = high > low ? (value - low) / (high - low) : 0.5;
    return lowerIsBetter ? 1 - share : share;
  };
  const drawn = cells.flatMap((row, r) =>
    row.map((cell, c) => drawCell(cell, left + c * cellWidth, top + r * cellHeight, cellWidth, goodness)),
  );
  const best = cells.flatMap((row, r) =>
    row.flatMap((cell, c) =>
      cell.best ? [highlight(left + c * cellWidth, top + r * cellHeight, cellWidth)] : [],
    ),
  );
  const width = Math.max(
    right + 130,
    40 + textWidth(title, 14),
    ...notes.map((note) => 30 + textWidth(note, 10)),
  );
  const content = [
    text(20, 26, title, { size: 14, weight: "bold" }),
    ...drawn,
    ...best,
    ...columns.map((name, c) => text(left + (c + 0.5) * cellWidth, bottom + 17, name, { anchor: "middle" })),
    ...rows.map((name, r) => text(left - 8, top + (r + 0.5) * cellHeight + 4, name, { anchor: "end" })),
    text((left + right) / 2, bottom + 38, xLabel, { anchor: "middle", size: 12 }),
    text(24, (top + bottom) / 2, yLabel, { anchor: "middle", size: 12, rotate: -90 }),
    values.length === 0
      ? ""
      : colourBar(
          right + 24,
          top,
          Math.max(bottom - top, 76),
          scaleLabel,
          lowerIsBetter ? [high, low] : [low, high],
        ),
    ...notes.map((note, i) =>
      text(20, notesTop(bottom, rows.length) + 14 * i, note, { size: 10, fill: faint }),
    ),
  ];
  return svgDocument(Math.ceil(width), notesTop(bottom, rows.length) + 14 * notes.length, content.join(""));
}

/** Below the colour bar, which has a least height. */
function notesTop(bottom: number, rows: number): number {
  return bottom + 62 + Math.max(0, 76 - rows * cellHeight);
}

function drawCell(
  { value, label }: HeatCell,
  x: number,
  y: number,
  width: number,
  goodness: (value: number) => number,
): string {
  const fill = value === undefined ? "#eeeeee" : sequential(goodness(value));
  const colour = value === undefined ? faint : inkOn(goodness(value));
  return (
    `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${cellHeight}" fill="${fill}" stroke="#fff" stroke-width="1.5"/>` +
    text(x + width / 2, y + cellHeight / 2 + 4, label, { anchor: "middle", fill: colour })
  );
}

/** Black and white, so that it shows on every colour. */
function highlight(x: number, y: number, width: number): string {
  const frame = (inset: number, stroke: string, thickness: number) =>
    `<rect x="${round(x + inset)}" y="${round(y + inset)}" width="${round(width - 2 * inset)}" height="${cellHeight - 2 * inset}" fill="none" stroke="${stroke}" stroke-width="${thickness}"/>`;
  return frame(2, "#fff", 4) + frame(2, "#000", 2);
}

/** Bottom to top from the worst value to the best. */
function colourBar(
  x: number,
  y: number,
  height: number,
  label: string,
  [worst, best]: readonly [number, number],
): string {
  const steps = 40;
  const strips = Array.from({ length: steps }, (_, i) => {
    const share = 1 - i / (steps - 1);
    return `<rect x="${x}" y="${round(y + (i * height) / steps)}" width="14" height="${round(height / steps + 0.5)}" fill="${sequential(share)}"/>`;
  });
  return [
    ...strips,
    text(x + 20, y + 10, `${best.toFixed(1)} best`, { size: 10 }),
    text(x + 20, y + height, `${worst.toFixed(1)} worst`, { size: 10 }),
    text(x + 20, y + height / 2 + 4, label, { size: 10 }),
  ].join("");
}
