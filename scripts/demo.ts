/**
 * `npm run demo`: a tiny LLaVA captions small scenes plain and with AAI, streamed; then a table over more images, the
 * captions as .jsonl, and a picture of where model and vision encoder look.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { exitWith } from "../src/cli/exit";
import { cocoGroundTruth } from "../src/data";
import { readIds } from "../src/data/ids";
import { aai, type BatchResult, greedy, type Model, none, startWorker } from "../src/index";
import { chair } from "../src/metrics";
import { attentionOverlay } from "../src/report/attention_overlay";
import { sideBySide } from "../src/report/caption_columns";
import { markCaption } from "../src/report/marked_caption";
import { startProgress } from "../src/report/progress";
import { writePng } from "../src/report/svg";
import { renderTable } from "../src/report/tables";

const root = join(__dirname, "..");
const data = join(root, "demo", "data");
const output = join(root, "demo", "output");
const prompt = "Please describe this image in detail.";
const search = greedy({ maxNewTokens: 96 });
const shownAlpha = 0.1;
const settings = [
  { name: "plain", attention: none },
  ...[0.05, shownAlpha, 0.2, 0.3].map((alpha) => ({
    name: `AAI, alpha ${alpha}`,
    attention: aai({ alpha }),
  })),
];
const batchSize = 20;

async function main(): Promise<void> {
  const { ids } = readIds(join(data, "ids.txt"));
  const groundTruth = cocoGroundTruth(join(data, "annotations")).objects;
  const imageOf = (id: string) => join(data, "val2014", `COCO_val2014_${id.padStart(12, "0")}.png`);
  mkdirSync(output, { recursive: true });

  console.log("Starting the worker (it imports PyTorch) …");
  await using worker = await startWorker();
  const model = await worker.load(join(root, "demo", "checkpoint"));
  console.log(
    `${(model.description.parameters / 1e6).toFixed(1)} M parameters on ${model.device}, loaded in ${model.loadSeconds.toFixed(1)} s.\n`,
  );

  const first = ids[0]!;
  console.log(
    `Image ${first}, which shows: ${groundTruth[first]!.join(", ")}. Words for what it does not show are ${process.stdout.isTTY ? "red" : "in [[brackets]]"}.\n`,
  );
  await streamPair(model, imageOf(first), groundTruth[first]!);

  const progress = startProgress("captions", ids.length * settings.length);
  const rows: string[][] = [];
  for (const [index, { name, attention }] of settings.entries()) {
    const captions: { image_id: number; caption: string }[] = [];
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
    const file = join(output, `captions.${name.replace(/\W+/g, "-")}.jsonl`);
    writeFileSync(file, captions.map((caption) => `${JSON.stringify(caption)}\n`).join(""));
    rows.push([name, ...figures(captions, groundTruth, batches)]);
  }
  progress.end();

  const columns = [
    "",
    "mentions",
    "hallucinated",
    "CHAIRs %",
    "CHAIRi %",
    "recall %",
    "tokens/s",
    "steps edited",
  ];
  console.log(`\n${ids.length} images, greedy search:\n`);
  console.log(
    renderTable({ columns: columns.map((name, c) => ({ name, align: c === 0 ? "left" : "right" })), rows }),
  );

  const attention = aai({ alpha: shownAlpha });
  const label = `AAI, alpha ${shownAlpha}`;
  const overlay = await attentionOverlay({
    model,
    image: imageOf(first),
    prompt,
    attention,
    label,
    present: groundTruth[first]!,
  });
  await writePng(join(output, "overlay.png"), overlay.svg);
  const shown = relative(process.cwd(), output);
  console.log(`\nWritten: ${join(shown, "captions.*.jsonl")} and ${join(shown, "overlay.png")}`);
}

/** Two rows of one batch, drawn in columns as their tokens arrive. */
async function streamPair(model: Model, image: string, present: readonly string[]): Promise<void> {
  const style = {
    colour: process.stdout.isTTY === true,
    width: Math.min(process.stdout.columns ?? 100, 110),
  };
  const titles = ["plain", `AAI, alpha ${shownAlpha}`];
  const texts = ["", ""];
  const draw = () =>
    sideBySide(
      titles.map((title, i) => ({ title, parts: markCaption(texts[i]!, present) })),
      style,
    );
  let drawn = 0;
  const requests = [none, aai({ alpha: shownAlpha })].map((attention) => ({ image, prompt, attention }));
  for await (const event of model.generateBatch(requests, { search })) {
    if (event.type === "row" && event.finishReason === "failed") throw event.error;
    if (event.type !== "token") continue;
    texts[event.row] += event.text;
    if (!style.colour) continue;
    const lines = draw();
    process.stdout.write(
      `${drawn > 0 ? `\x1b[${drawn}A` : ""}${lines.map((line) => `\x1b[K${line}\n`).join("")}`,
    );
    drawn = lines.length;
  }
  if (!style.colour) console.log(draw().join("\n"));
  console.log();
}

function figures(
  captions: { image_id: number; caption: string }[],
  groundTruth: Parameters<typeof chair.score>[1],
  batches: BatchResult[],
): string[] {
  const { sentences, overall_metrics: overall } = chair.score(captions, groundTruth);
  const percent = (value: number | null | undefined) => (value == null ? "–" : (100 * value).toFixed(1));
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const tokens = sum(batches.map(({ timings }) => timings.generatedTokens));
  const seconds = sum(batches.map(({ timings }) => timings.decodeSeconds));
  const edited = sum(batches.flatMap(({ attestation }) => attestation.map(({ steps }) => steps)));
  return [
    String(sum(sentences.map(({ mscoco_generated_words }) => mscoco_generated_words.length))),
    String(sum(sentences.map(({ mscoco_hallucinated_words }) => mscoco_hallucinated_words.length))),
    percent(overall.CHAIRs),
    percent(overall.CHAIRi),
    percent(overall.Recall),
    (tokens / seconds).toFixed(0),
    String(edited),
  ];
}

main().catch(exitWith);
