import { join } from "node:path";
import { questionOf } from "../../src/benchmarks/pope/questions";
import {
  type ChairResult,
  chairRun,
  compare,
  type Model,
  type PopeResult,
  pope,
  popeRun,
  type Worker,
  writePope,
} from "../../src/index";
import { startProgress } from "../../src/report/progress";
import { groundTruth, imageFolder, imageName, prompt } from "../demo/world";
import type { Difference, Measured } from "./results";
import { answerSettings, captionSettings, control, type Setting } from "./settings";

interface Scored<Result> {
  setting: Setting;
  result: Result;
  /** By image or distinct question. */
  texts: ReadonlyMap<string, string>;
}

const template = "chat";

/** Captions `count` images under every setting. Runs in `folder` are continued. */
export async function measureCaptions(
  worker: Worker,
  model: Model,
  folder: string,
  count: number,
): Promise<Measured> {
  const runs = await runAll(captionSettings, count, "captions", async (setting, index, onProgress) => {
    const { score, captions, failed } = await chairRun(worker, model, {
      ...setting,
      images: imageFolder,
      ids: { count, seed: 0 },
      prompt,
      template,
      batchSize: "auto",
      retryFailed: true,
      out: join(folder, `captions-${index}`),
      groundTruth,
      onProgress,
    });
    refuseFailed(setting, failed);
    return {
      result: score!,
      texts: new Map(captions.map(({ image_id, caption }) => [String(image_id), caption])),
    };
  });
  const rows = runs.map((run) => ({
    ...describe(run, runs),
    values: run.result.overall_metrics,
    intervals: run.result.intervals,
    against: comparisons(run, runs, "CHAIRi"),
  }));
  return { images: count, rows: rows.map((row) => select(row, ["CHAIRs", "CHAIRi", "Recall", "Len"])) };
}

/** Asks POPE's questions about at most `count` images with three objects or more, in all splits. */
export async function measureAnswers(
  worker: Worker,
  model: Model,
  folder: string,
  count: number,
): Promise<Measured> {
  const questions = pope.build(groundTruth, { images: count, seed: 0, imageName });
  const files = writePope(questions, join(folder, "questions"));
  const runs = await runAll(
    answerSettings,
    questions.length,
    "answers",
    async (setting, index, onProgress) => {
      const { result, failed } = await popeRun(worker, model, {
        ...setting,
        images: imageFolder,
        questions: files,
        suffix: "",
        likelihood: false,
        template,
        batchSize: "auto",
        retryFailed: true,
        out: join(folder, `answers-${index}`),
        rule: "opera",
        onProgress,
      });
      refuseFailed(setting, failed);
      return {
        result: result!,
        texts: new Map(result!.answers.map((one) => [questionOf(one), one.answer])),
      };
    },
  );
  const rows = runs.map((run) => ({
    ...describe(run, runs),
    values: run.result.metrics,
    intervals: run.result.intervals,
    against: comparisons(run, runs, "mean accuracy"),
  }));
  return {
    images: new Set(questions.map(({ image }) => image)).size,
    questions: questions.length,
    rows: rows.map((row) => select(row, ["mean accuracy", "mean F1", "mean yesRatio"])),
  };
}

async function runAll<Result>(
  settings: readonly Setting[],
  count: number,
  label: string,
  run: (
    setting: Setting,
    index: number,
    onProgress: (done: number) => void,
  ) => Promise<Omit<Scored<Result>, "setting">>,
): Promise<Scored<Result>[]> {
  const progress = startProgress(label, count * settings.length);
  const runs: Scored<Result>[] = [];
  for (const [index, setting] of settings.entries()) {
    const onProgress = (done: number) => progress.update(index * count + done, setting.name);
    runs.push({ setting, ...(await run(setting, index, onProgress)) });
  }
  progress.end();
  return runs;
}

function refuseFailed(setting: Setting, failed: readonly { key: string; error?: unknown }[]): void {
  if (failed[0]) throw new Error(`${setting.name}: ${failed[0].key} failed: ${failed[0].error}`);
}

function describe<Result>({ setting, texts }: Scored<Result>, [baseline]: readonly Scored<Result>[]) {
  return { ...setting, changed: [...texts].filter(([of, text]) => text !== baseline!.texts.get(of)).length };
}

function comparisons<Result extends ChairResult | PopeResult>(
  run: Scored<Result>,
  runs: readonly Scored<Result>[],
  metric: string,
): Partial<Record<"baseline" | "control", Difference>> {
  const [baseline] = runs;
  const plausible = runs.find(({ setting }) => setting.name === control);
  const { search, contrast } = run.setting;
  const constrained = search.method === "sample" && contrast !== undefined && run !== plausible;
  const against = (other: Scored<Result>): Difference => {
    const { differences, intervals, pValues } = compare(other.result, run.result);
    return { difference: differences[metric]!, interval: intervals[metric]!, p: pValues.wilcoxon };
  };
  return {
    ...(run !== baseline && { baseline: against(baseline!) }),
    ...(constrained && { control: against(plausible!) }),
  };
}

function select<Row extends { values: object; intervals: object }>(row: Row, metrics: readonly string[]) {
  const only = (record: object) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => metrics.includes(name)));
  return { ...row, values: only(row.values), intervals: only(row.intervals) };
}
