import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { resultsTable } from "../../src/benchmarks/tables";
import { type BatchResult, type Caption, chair, compare, type Model, verdict } from "../../src/index";
import { startProgress } from "../../src/report/progress";
import { renderTable } from "../../src/report/tables";
import { groundTruth, imageOf, prompt, search, settings } from "./world";

const batchSize = 40;

/** Captions every image under every setting, saves the captions, prints CHAIR with intervals and what AAI changed. */
export async function compareCaptions(model: Model, ids: readonly string[], out: string): Promise<void> {
  const progress = startProgress("captions", ids.length * settings.length);
  const runs = [];
  for (const [index, { name, attention }] of settings.entries()) {
    const captions: Caption[] = [];
    const batches: BatchResult[] = [];
    for (let at = 0; at < ids.length; at += batchSize) {
      const batch = ids.slice(at, at + batchSize);
      const requests = batch.map((id) => ({ image: imageOf(id), prompt, attention }));
      const result = await model.generateBatch(requests, { search }).result();
      for (const row of result.rows) {
        if (row.status === "failed") throw row.error;
        captions.push({ image_id: Number(batch[row.row]), caption: row.text });
      }
      batches.push(result);
      progress.update(index * ids.length + at + batch.length, name);
    }
    const file = join(out, `captions.${name.replace(/[^\w.]+/g, "-")}.jsonl`);
    writeFileSync(file, captions.map((caption) => `${JSON.stringify(caption)}\n`).join(""));
    runs.push({ name, result: chair.score(captions, groundTruth), batches });
  }
  progress.end();

  const rows = runs.map(({ name, result, batches }) => ({
    name,
    values: result.overall_metrics,
    intervals: result.intervals,
    more: [
      count(result.sentences.map(({ mentions }) => mentions.length)),
      count(result.sentences.map(({ mscoco_hallucinated_words }) => mscoco_hallucinated_words.length)),
      tokensPerSecond(batches),
      count(batches.flatMap(({ attestation }) => attestation.map(({ steps }) => steps))),
    ],
  }));
  console.log(`\nCHAIR of ${ids.length} images, greedy search, with 95 % intervals:\n`);
  const more = ["mentions", "hallucinated", "tokens/s", "steps edited"];
  console.log(renderTable(resultsTable(rows, chair().figures, ["CHAIRs", "CHAIRi", "Recall"], more)));
  console.log();
  const [plain, ...edited] = runs;
  for (const { name, result } of edited) console.log(verdict(compare(plain!.result, result), "CHAIRi", name));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const count = (values: readonly number[]) => String(sum(values));

function tokensPerSecond(batches: readonly BatchResult[]): string {
  const tokens = sum(batches.map(({ timings }) => timings.generatedTokens));
  return (tokens / sum(batches.map(({ timings }) => timings.decodeSeconds))).toFixed(0);
}
