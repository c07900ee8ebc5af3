import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf } from "../base/identity";
import { type Caption, type ChairResult, chair, type FinishReason, type GroundTruth } from "../benchmarks";
import type { Model, Worker } from "../client";
import { imageFolder } from "../data";
import { chosenIds, type ImageChoice } from "../data/chosen_images";
import { numericId } from "../data/ids";
import { imageDigests } from "../data/image_digests";
import { runRows } from "../experiments/decode/run_rows";
import { attestationOf, type RunAttestation } from "../experiments/store/attestation";
import { modelContext, runContext } from "../experiments/store/context";
import { writeWhole } from "../experiments/store/files";
import { type RunRecord, readRecords, type Samples } from "../experiments/store/samples";
import type { Attention, Contrast, Search } from "../methods";
import { RunFolder } from "./run_folder";
import { requireSameTasks } from "./same_tasks";

export interface ChairRunOptions {
  /** Folder of images. */
  images: string;
  /** A list of ids (file, or the name of one that ships), or so many images chosen by seed from the sorted names. */
  ids: ImageChoice;
  prompt: string;
  template: string;
  attention: Attention;
  contrast?: Contrast | undefined;
  search: Search;
  /** Rows alive at once; "auto": what fits into memory. */
  batchSize: number | "auto";
  retryFailed: boolean;
  /** The run folder; undefined: one named after the settings. */
  out: string | undefined;
  /** Where there is one, captions are scored as they come. */
  groundTruth: GroundTruth | undefined;
  onProgress?(done: number, total: number, running: ChairResult | undefined): void;
}

export interface ChairRunResult {
  folder: string;
  captions: Caption[];
  failed: RunRecord[];
  attestation: RunAttestation;
  score: ChairResult | undefined;
}

/** What is in a run's images, image id -> classes, where it was told: its folder can be scored by itself. */
export const groundTruthFile = "ground_truth.json";

/** Captions images into a run folder; started again, it continues. Also writes `captions.jsonl`, as CHAIR scorers read it. */
export async function chairRun(
  worker: Worker,
  model: Model,
  options: ChairRunOptions,
): Promise<ChairRunResult> {
  const {
    images,
    prompt,
    template,
    attention,
    contrast,
    search,
    batchSize,
    retryFailed,
    out,
    groundTruth,
    onProgress,
  } = options;
  const { files } = imageFolder(images);
  const ids = chosenIds(options.ids, files);
  if (groundTruth) chair.requireGroundTruth(ids.ids, groundTruth); // not after hours of captioning
  const settings = {
    checkpoint: { fingerprint: model.fingerprint, dtype: model.dtype },
    prompt,
    template,
    attention,
    ...(contrast && { contrast }),
    search,
    images: { count: ids.ids.length, sha256: ids.sha256 },
  };
  const context = { ...(await runContext(worker)), ...modelContext(model), images: ids.source };
  const named = ids.ids.map((id) => [id, files.get(id)!] as const);
  const digests = await imageDigests(
    images,
    named.map(([, name]) => name),
  );
  using run = RunFolder.open(out, { kind: "chair", settings, digests, context });
  if (groundTruth) {
    const known = Object.fromEntries(ids.ids.map((id) => [id, groundTruth[id]]));
    writeWhole(join(run.folder, groundTruthFile), known);
  }
  const tasks = named.map(([id, name]) => ({
    key: id,
    request: { image: join(images, name), prompt, template, attention },
    search,
    contrast,
    fields: { image_id: numericId(id), image_sha256: digests[name] },
  }));
  requireSameTasks(run, tasks);
  const running = groundTruth && runningScore(run.samples, groundTruth);
  const progress = (done: number) => onProgress?.(done, tasks.length, running?.());
  await runRows(run.samples, [{ model }], tasks, {
    batchSize,
    probes: [],
    signal: undefined,
    retryFailed,
    onStart: progress,
    onRecord: (_, done) => progress(done),
  });
  const result = readChairRun(run.folder, groundTruth);
  writeFileSync(
    join(run.folder, "captions.jsonl"),
    result.captions.map((caption) => `${JSON.stringify(caption)}\n`).join(""),
  );
  const metrics = {
    captions: result.captions.length,
    failed: result.failed.length,
    ...(result.score && {
      scorer: result.score.scorer,
      groundTruth: { sha256: identityOf(ids.ids.map((id) => [id, groundTruth?.[id]])) },
      overall: result.score.overall_metrics,
      intervals: result.score.intervals,
    }),
  };
  run.finish(metrics, result.attestation);
  return result;
}

/** The captions of a run folder, scored where a ground truth is given. */
export function readChairRun(folder: string, groundTruth: GroundTruth | undefined): ChairRunResult {
  const records = readRecords(folder);
  const captions = captionsOf(records);
  const failed = [...records.values()].filter(({ status }) => status === "failed");
  return {
    folder,
    captions,
    failed,
    attestation: attestationOf(records.values()),
    score: groundTruth && captions.length > 0 ? chair.score(captions, groundTruth) : undefined,
  };
}

/** CHAIR so far, computed anew only when that takes a tenth of the time at most: every caption is read again for it. */
function runningScore(samples: Samples, groundTruth: GroundTruth): () => ChairResult | undefined {
  let latest: ChairResult | undefined;
  let next = 0;
  return () => {
    const started = performance.now();
    if (started < next) return latest;
    const captions = captionsOf(samples.records);
    if (captions.length > 0) latest = chair.score(captions, groundTruth, { bootstrap: { resamples: 200 } });
    next = started + 10 * (performance.now() - started);
    return latest;
  };
}

function captionsOf(records: ReadonlyMap<string, RunRecord>): ChairRunResult["captions"] {
  return [...records.values()]
    .filter(({ status }) => status === "done")
    .map(({ image_id, answer, finishReason }) => ({
      image_id: image_id as number | string,
      caption: answer as string,
      ...(finishReason !== undefined && { finish_reason: finishReason as FinishReason }),
    }));
}
