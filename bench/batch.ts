/** Captions a second by batch size on the demo's checkpoint, and whether the captions stay the same. */

import { checkpoint, imageIds, imageOf, prompt, search } from "../scripts/demo/world";
import { startWorker } from "../src/index";
import { renderTable } from "../src/report/tables";

/** @param short two sizes and eight images: whether it runs, not what it tells */
export async function benchBatch(short: boolean): Promise<void> {
  const images = imageIds.slice(0, short ? 8 : 40).map(imageOf);
  const sizes = short ? [1, 8] : [1, 2, 4, 8, 16, 40];
  await using worker = await startWorker({ threads: 1 });
  const model = await worker.load(checkpoint);
  const caption = async (size: number) => {
    const texts: string[] = [];
    const started = performance.now();
    for (let at = 0; at < images.length; at += size) {
      const requests = images.slice(at, at + size).map((image) => ({ image, prompt }));
      const { rows } = await model.generateBatch(requests, { search }).result();
      texts.push(...rows.map((row) => (row.status === "done" ? row.text : "")));
    }
    return { texts, perSecond: (1000 * images.length) / (performance.now() - started) };
  };
  await caption(8); // warm
  const alone = await caption(1);
  const rows = [];
  for (const size of sizes) {
    const { texts, perSecond } = size === 1 ? alone : await caption(size);
    const same = texts.filter((text, i) => text === alone.texts[i]).length;
    const ratio = (perSecond / alone.perSecond).toFixed(1);
    rows.push([String(size), perSecond.toFixed(1), ratio, `${same} of ${texts.length}`]);
  }
  const columns = ["batch", "captions/s", "× batch 1", "same captions"].map((name) => ({
    name,
    align: "right" as const,
  }));
  console.log(renderTable({ columns, rows }, "markdown"));
}
