import { join } from "node:path";
import { compareAnswers } from "../../src/benchmarks/compare";
import { answersOf } from "../../src/experiments/result/result";
import {
  type BenchmarkData,
  type CellResult,
  chair,
  cocoCaptions,
  evaluate,
  type Metric,
  type Model,
  pope,
  popeQuestions,
  writePope,
} from "../../src/index";
import { startProgress } from "../../src/report/progress";
import { groundTruth, imageFolder, imageName, prompt } from "../demo/world";
import type { Difference, Measured } from "./results";
import { answerSettings, captionSettings, control, type Setting } from "./settings";

/** Captions `count` images under every setting. Experiments in `folder` are continued. */
export async function measureCaptions(model: Model, folder: string, count: number): Promise<Measured> {
  const data = cocoCaptions({ images: imageFolder, ids: { count, seed: 0 }, groundTruth });
  const runs = await runAll(captionSettings, "captions", chair(), (setting, index, onProgress) =>
    evaluate({
      ...{ ...partsOf(setting), model, data, prompt, metrics: [chair()], retryFailed: true },
      ...{ out: join(folder, `captions-${index}`), onProgress },
    }),
  );
  return { images: count, rows: rowsOf(runs, "CHAIRi", ["CHAIRs", "CHAIRi", "Recall", "Len"]) };
}

/** Asks POPE's questions about at most `count` images with three objects or more, in all splits. */
export async function measureAnswers(model: Model, folder: string, count: number): Promise<Measured> {
  const questions = pope.build(groundTruth, { images: count, seed: 0, imageName });
  const files = writePope(questions, join(folder, "questions"));
  const data: BenchmarkData = popeQuestions({ images: imageFolder, questions: files });
  const runs = await runAll(answerSettings, "answers", pope(), (setting, index, onProgress) =>
    evaluate({
      ...{ ...partsOf(setting), model, data, metrics: [pope()], retryFailed: true },
      ...{ out: join(folder, `answers-${index}`), onProgress },
    }),
  );
  return {
    images: new Set(questions.map(({ image }) => image)).size,
    questions: questions.length,
    rows: rowsOf(runs, "mean accuracy", ["mean accuracy", "mean F1", "mean yesRatio"]),
  };
}

interface Run {
  setting: Setting;
  metric: Metric;
  parts: readonly unknown[];
  result: CellResult;
  /** By image or distinct question. */
  texts: ReadonlyMap<string, string>;
}

const partsOf = ({ attention, contrast, search }: Setting) => ({
  ...{ attention, search },
  ...(contrast && { contrast }),
});

async function runAll(
  settings: readonly Setting[],
  label: string,
  metric: Metric,
  run: (
    setting: Setting,
    index: number,
    onProgress: (progress: { done: number; total: number }) => void,
  ) => ReturnType<typeof evaluate>,
): Promise<Run[]> {
  let progress: ReturnType<typeof startProgress> | undefined;
  const runs: Run[] = [];
  for (const [index, setting] of settings.entries()) {
    const found = await run(setting, index, ({ done, total }) => {
      progress ??= startProgress(label, total * settings.length);
      progress.update(index * total + done, setting.name);
    });
    const [failed] = found.failed;
    if (failed) throw new Error(`${setting.name}: ${failed.name} failed: ${failed.error}`);
    const [measured] = found.metrics;
    const result = measured!.cells[0]!;
    const parts = measured!.partsOf(result.cell);
    const answers = answersOf(found.experiment, result.cell);
    const texts = new Map(parts.map((part, i) => [metric.judge(part).unit, answers[i]!.answer.answer]));
    runs.push({ setting, metric, parts, result, texts });
  }
  progress?.end();
  return runs;
}

function rowsOf(runs: readonly Run[], tested: string, shown: readonly string[]) {
  const [baseline] = runs;
  const only = <Value>(record: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => shown.includes(name)));
  return runs.map((run) => ({
    ...run.setting,
    changed: [...run.texts].filter(([unit, text]) => text !== baseline!.texts.get(unit)).length,
    values: only(run.result.figures),
    intervals: only(run.result.intervals),
    against: comparisons(run, runs, tested),
  }));
}

function comparisons(
  run: Run,
  runs: readonly Run[],
  figure: string,
): Partial<Record<"baseline" | "control", Difference>> {
  const [baseline] = runs;
  const plausible = runs.find(({ setting }) => setting.name === control);
  const { search, contrast } = run.setting;
  const constrained = search.method === "sample" && contrast !== undefined && run !== plausible;
  const against = (other: Run): Difference => {
    const { differences, intervals, pValues } = compareAnswers(run.metric, other.parts, run.parts);
    return { difference: differences[figure]!, interval: intervals[figure]!, p: pValues.wilcoxon };
  };
  return {
    ...(run !== baseline && { baseline: against(baseline!) }),
    ...(constrained && { control: against(plausible!) }),
  };
}
