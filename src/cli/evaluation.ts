import type { InferredOptionTypes } from "yargs";
import type { BenchmarkData, Metric } from "../benchmarks";
import { startFirst } from "../experiments/decode/workers";
import { estimate } from "../experiments/estimate";
import { cellOf, evaluate } from "../experiments/evaluate";
import type { ExperimentResult } from "../experiments/result/result";
import type { Attention } from "../methods";
import { startProgress } from "../report/progress";
import { renderTable } from "../report/tables";
import { CommandError } from "./exit";
import { noteEdits } from "./notes/edits";
import { estimateNote } from "./notes/estimate";
import type { evaluationOptions } from "./options/evaluation";
import { methodsOf } from "./options/methods";
import { loadOptionsOf, modelSource } from "./options/model";
import { workersOf } from "./options/workers";

export interface Evaluation {
  data: BenchmarkData;
  metrics: readonly Metric[];
  prompt: string;
  /** What answers are called, and what they are of: "captions", "images". */
  answers: string;
  asked: string;
  /** Said below the table. @param counted such as "120 captions", or "118 captions of 120 images" */
  note(result: ExperimentResult, counted: string, attention: Attention): string;
}

/**
 * Decodes a benchmark under one setting, and prints its figures; with --dry-run, what that would take.
 * @param describe reads the data, once all flags are known to be sound
 * @param usual what the search has where no flag says otherwise
 * @throws CommandError where rows failed, and as `evaluate`
 */
export async function runEvaluation(
  args: InferredOptionTypes<typeof evaluationOptions>,
  describe: () => Evaluation,
  usual: { maxNewTokens?: number } = {},
): Promise<void> {
  const chooseMethods = methodsOf(args, usual);
  const checkpoint = modelSource(args);
  const [starts, load] = [workersOf(args), loadOptionsOf(args)];
  const { data, metrics, prompt, answers, asked, note } = describe();
  const early = args.plugin && (await startFirst(starts)); // only a worker knows what plug-ins declare
  await using first = early?.first;
  const { attention, contrast, search } = chooseMethods(first?.plugins ?? []);
  const workers = early?.starts ?? starts;
  const batchSize = args["batch-size"] ?? "auto";
  const setting = {
    attention,
    ...(contrast && { contrast }),
    search,
    prompt,
    template: args.template,
    checkpoint,
  };
  if (args["dry-run"]) {
    const plan = await estimate([cellOf(setting)], data, workers, load, batchSize);
    return console.log(estimateNote(plan, workers.length));
  }
  let progress: ReturnType<typeof startProgress> | undefined;
  const result = await evaluate({
    ...{ ...setting, data, metrics, workers, load, batchSize, out: args.out },
    retryFailed: args["retry-failed"],
    onProgress: ({ done, total, best }) => {
      progress ??= startProgress(answers, total, done);
      progress.update(done, best && `${best.figure} ${best.text} of ${best.answers} ${answers}`);
    },
  });
  progress?.end();
  const [cell] = result.experiment.cells;
  const table = result.metrics[0]?.tableOf(cell!);
  if (table) console.log(renderTable(table));
  const { failed } = result;
  const total = data.items.length;
  const counted = `${total - failed.length} ${answers}${failed.length > 0 ? ` of ${total} ${asked}` : ""}`;
  console.log(`\n${note(result, counted, attention)}`);
  noteEdits([cell!.attestation ? { attestation: cell!.attestation } : {}]);
  if (failed.length === 0) return;
  const shown = failed.slice(0, 5).map(({ name, error }) => `  ${name}: ${error}`);
  throw new CommandError(
    `${failed.length} ${asked} failed; --retry-failed does them again.\n${shown.join("\n")}`,
  );
}
