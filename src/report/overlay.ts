import type { NdArray } from "../arrays/nd_array";
import { breakLines, wordsOf } from "./caption_columns";
import type { CaptionPart } from "./caption_part";
import { heatImage, rgbImage } from "./heat";
import { escapeText, svgDocument } from "./svg";

export interface OverlayPanel {
  title: string;
  /** Attention per image token, row by row; absent for the bare picture. */
  values?: ArrayLike<number>;
  caption?: readonly CaptionPart[];
}

export interface OverlayFigure {
  title: string;
  /** What the model saw, uint8 [row, column, rgb]. */
  picture: NdArray;
  /** Rows and columns of the values. */
  grid: readonly [number, number];
  panels: readonly OverlayPanel[];
  note?: string;
}

const size = 230;
const gap = 18;
const colours = { hallucinated: "#c62828", supported: "#2e7d32" } as const;
const captionSize = 11;
/** Characters of the caption's font that fit a panel's width. */
const lineLength = 37;

/**
 * The picture beside attention maps laid over it, as an SVG document. All maps share one scale per panel kind: each
 * is drawn relative to its mean, brightest at six times the mean, so that a flat map looks flat.
 */
export function overlayFigure({ title, picture, grid, panels, note }: OverlayFigure): string {
  const width = gap + panels.length * (size + gap);
  const lines = Math.max(...panels.map(({ caption }) => wrap(caption ?? []).length));
  const top = 64;
  const height = top + size + 22 + lines * 15 + (note ? 26 : 8);
  const image = rgbImage(picture);
  const drawn = panels.map((panel, index) => {
    const x = gap + index * (size + gap);
    const heading = `<text x="${x}" y="${top - 10}" font-size="12.5" font-weight="bold">${escapeText(panel.title)}</text>`;
    const base = embed(image, x, top, panel.values ? 'filter="url(#grey)"' : "");
    const heat = panel.values
      ? embed(heatImage(panel.values, grid[0], grid[1], 6 * mean(panel.values)), x, top)
      : "";
    return heading + base + heat + captionText(panel.caption ?? [], x, top + size + 20);
  });
  const filter = '<filter id="grey"><feColorMatrix type="saturate" values="0.25"/></filter>';
  const head = `<text x="${gap}" y="28" font-size="16" font-weight="bold">${escapeText(title)}</text>`;
  const foot = note
    ? `<text x="${gap}" y="${height - 10}" font-size="10" fill="#666">${escapeText(note)}</text>`
    : "";
  return svgDocument(width, height, filter + head + drawn.join("") + foot);
}

function embed(url: string, x: number, y: number, attributes = ""): string {
  return `<image href="${url}" x="${x}" y="${y}" width="${size}" height="${size}" image-rendering="optimizeSpeed" preserveAspectRatio="none" ${attributes}/>`;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function captionText(parts: readonly CaptionPart[], x: number, y: number): string {
  return wrap(parts)
    .map((line, index) => {
      const spans = line.map(({ text, mark }) => {
        const style = mark ? `fill="${colours[mark]}" font-weight="bold"` : 'fill="#222"';
        return `<tspan ${style}>${escapeText(text)}</tspan>`;
      });
      return `<text x="${x}" y="${y + index * 15}" font-size="${captionSize}" xml:space="preserve">${spans.join("")}</text>`;
    })
    .join("");
}

function wrap(parts: readonly CaptionPart[]): CaptionPart[][] {
  return breakLines(wordsOf(parts), lineLength);
}
