import { join } from "node:path";
import { type PopeQuestion, type PopeResult, type PopeRule, pope, readPopeFiles } from "../benchmarks";
import type { Model, Worker } from "../client";
import { requireImages } from "../data/chosen_images";
import { imageDigests } from "../data/image_digests";
import { runRows } from "../experiments/decode/run_rows";
import { attestationOf, type RunAttestation } from "../experiments/store/attestation";
import { modelContext, runContext } from "../experiments/store/context";
import { type RunRecord, readRecords } from "../experiments/store/samples";
import type { Attention, Contrast, Search } from "../methods";
import { RunFolder } from "./run_folder";
import { requireSameTasks } from "./same_tasks";

export interface PopeRunOptions {
  /** Folder of images. */
  images: string;
  /** Question files, one or more a split. */
  questions: readonly string[];
  /** Put behind every question, such as " Please answer this question with one word." */
  suffix: string;
  /** Answer by which of yes and no is likelier at the first token, whatever is then written. */
  likelihood: boolean;
  template: string;
  attention: Attention;
  contrast?: Contrast | undefined;
  search: Search;
  /** Rows alive at once; "auto": what fits into memory. */
  batchSize: number | "auto";
  retryFailed: boolean;
  out: string | undefined;
  rule: PopeRule;
  onProgress?(done: number, total: number): void;
}

export interface PopeRunResult {
  result: PopeResult | undefined;
  failed: RunRecord[];
  attestation: RunAttestation;
}

/** Asks POPE's questions into a run folder; started again, it continues. The raw reply is kept: rules can be changed later. */
export async function popeRun(worker: Worker, model: Model, options: PopeRunOptions): Promise<PopeRunResult> {
  const {
    images,
    suffix,
    likelihood,
    template,
    attention,
    contrast,
    search,
    batchSize,
    retryFailed,
    out,
    rule,
    onProgress,
  } = options;
  const { questions, sha256 } = readPopeFiles(options.questions);
  const asked = questions.map(({ question }) => question);
  requireImages(
    images,
    asked.map(({ image }) => image),
  );
  const settings = {
    checkpoint: { fingerprint: model.fingerprint, dtype: model.dtype },
    questions: sha256,
    suffix,
    likelihood,
    template,
    attention,
    ...(contrast && { contrast }),
    search,
  };
  const context = { ...(await runContext(worker)), ...modelContext(model) };
  const digests = await imageDigests(
    images,
    asked.map(({ image }) => image),
  );
  using run = RunFolder.open(out, { kind: "pope", settings, digests, context });
  const tasks = questions.map(({ key, question }) => ({
    key,
    request: { image: join(images, question.image), prompt: question.text + suffix, template, attention },
    search,
    contrast,
    fields: { question, image_sha256: digests[question.image] },
  }));
  requireSameTasks(run, tasks);
  const progress = (done: number) => onProgress?.(done, tasks.length);
  await runRows(run.samples, [{ model }], tasks, {
    batchSize,
    probes: likelihood ? pope.likelihoodProbes : [],
    signal: undefined,
    retryFailed,
    onStart: progress,
    onRecord: (_, done) => progress(done),
  });
  const result = readPopeRun(run.folder, rule);
  const metrics = {
    failed: result.failed.length,
    ...(result.result && {
      rule,
      source: result.result.source,
      metrics: result.result.metrics,
      intervals: result.result.intervals,
    }),
  };
  run.finish(metrics, result.attestation);
  return result;
}

/** The answers of a run folder, scored by a rule. */
export function readPopeRun(folder: string, rule: PopeRule): PopeRunResult {
  const records = [...readRecords(folder).values()];
  const answers = records
    .filter(({ status }) => status === "done")
    .map(({ question, answer, probes }) => ({
      ...(question as PopeQuestion),
      answer: probes === undefined ? (answer as string) : pope.likelier(probes as number[]),
    }));
  return {
    result: answers.length > 0 ? pope.score(answers, rule) : undefined,
    failed: records.filter(({ status }) => status === "failed"),
    attestation: attestationOf(records),
  };
}
