import { rmSync } from "node:fs";
import { join } from "node:path";
import { chair, cocoCaptions, type Model, sweep, writeReport } from "../../src/index";
import { startProgress } from "../../src/report/progress";
import { imageFolder, prompt, search } from "./world";

/** Strengths by ranges of layers on a few images, a table, and a heat map in a folder of `out`. Returns the heat map's file. */
export async function showSweep(model: Model, images: number, out: string): Promise<string> {
  const folder = join(out, "sweep");
  rmSync(folder, { recursive: true, force: true }); // to be watched anew every time
  let progress: ReturnType<typeof startProgress> | undefined;
  const result = await sweep({
    model,
    data: cocoCaptions({
      images: imageFolder,
      annotations: join(imageFolder, "../annotations"),
      ids: { count: images, seed: 0 },
    }),
    ...{ prompt, search },
    space: {
      "attention.alpha": [0, 0.1, 0.2, 0.3],
      "attention.layers": [
        [0, 3],
        [2, 6],
        [3, 6],
      ],
    },
    metrics: [chair()],
    out: folder,
    onProgress: ({ done, total }) => {
      progress ??= startProgress("sweep", total, done);
      progress.update(done, "", total);
    },
  });
  progress?.end();
  console.log(`\nA sweep: 4 strengths × 3 ranges of layers on ${images} images, one prefill an image:\n`);
  console.log(result.table());
  const written = await writeReport(result);
  return written.find((file) => file.endsWith("heat-map.png"))!;
}
