import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { escapeText, svgDocument, writePng } from "../../src/report/svg";

test("markup and what XML cannot hold are no part of a figure's text", () => {
  expect(escapeText('a < b & "c"\n')).toBe("a &lt; b &amp; &quot;c&quot;\n");
  expect(escapeText("\u0017x\ud800y\ufffe\u{1f600}")).toBe("\ufffdx\ufffdy\ufffd\u{1f600}");
});

test("whatever a model wrote can be drawn", async () => {
  const folder = await mkdtemp(join(tmpdir(), "svg-"));
  const file = join(folder, "figure.png");
  const written = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
  await writePng(file, svgDocument(40, 40, `<text x="0" y="20">${escapeText(written)}</text>`), 1);
  expect((await readFile(file)).subarray(1, 4).toString()).toBe("PNG");
  await rm(folder, { recursive: true });
});
