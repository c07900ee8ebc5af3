/** Building blocks of figures: plain SVG text, rendered to PNG with a font of our own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PNG } from "pngjs";
import { packageRoot } from "../base/package_root";

export const fontFamily = "DejaVu Sans";

/** `text` safe inside SVG and HTML, in content and in attributes; what XML cannot hold becomes U+FFFD. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\u{fffd}")
    .replace(/[&<>"]/g, (character) => entities[character]!);
}

/** A whole SVG document on white. */
export function svgDocument(width: number, height: number, content: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${fontFamily}"><rect width="100%" height="100%" fill="#fff"/>${content}</svg>`
  );
}

/** RGBA pixels (rows from the top) as a PNG data URL. */
export function pngDataUrl(width: number, height: number, rgba: Uint8Array): string {
  const png = new PNG({ width, height });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return `data:image/png;base64,${PNG.sync.write(png).toString("base64")}`;
}

/** Writes an SVG document as PNG, `scale` pixels per unit. */
export async function writePng(path: string, svg: string, scale = 2): Promise<void> {
  const { Resvg } = await import("@resvg/resvg-js");
  const fonts = join(packageRoot(), "assets", "fonts");
  const renderer = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: {
      loadSystemFonts: false,
      fontFiles: [join(fonts, "DejaVuSans.ttf"), join(fonts, "DejaVuSans-Bold.ttf")],
      defaultFontFamily: fontFamily,
    },
  });
  await writeFile(path, renderer.render().asPng());
}
