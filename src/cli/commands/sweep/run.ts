import type { CommandModule } from "yargs";
import { applicable } from "../../../benchmarks/benchmark";
import { requireBaselines } from "../../../experiments/baselines";
import { startFirst } from "../../../experiments/decode/workers";
import { estimate } from "../../../experiments/estimate";
import type { ExperimentProgress } from "../../../experiments/progress";
import { benchmarkNamed } from "../../../experiments/result/metrics";
import { writeReport } from "../../../experiments/result/report";
import { tableNote } from "../../../experiments/result/table";
import { isOwn } from "../../../experiments/space/settings";
import { composeData, composeScheduler, composeSpace } from "../../../experiments/spec/compose";
import { sweep } from "../../../experiments/sweep";
import { startProgress } from "../../../report/progress";
import { CommandError, UsageError } from "../../exit";
import { noteEdits } from "../../notes/edits";
import { estimateNote } from "../../notes/estimate";
import { loadOptionsOf } from "../../options/model";
import { strict, strictPositional } from "../../options/strict";
import { checkpointsOf, type SweepArguments, specOf, sweepOptions } from "../../options/sweep";
import { noteData } from "../../options/sweep_data";
import { workersOf } from "../../options/workers";
import { baselineOption } from "./baseline_option";

type Arguments = SweepArguments & { baseline?: string[] };

export const runCommand: CommandModule<object, Arguments> = {
  command: "$0 [file]",
  describe: "Run a sweep, or go on with it: what is there is not done again, what is new is",
  builder: (argv) =>
    argv
      .positional(
        "file",
        strictPositional("file", {
          type: "string",
          describe: "The sweep as YAML or JSON (assets/sweep.schema.json); flags add to it or say instead",
        }),
      )
      .options(strict({ ...sweepOptions, baseline: { ...baselineOption, group: "Run:" } }))
      .example(
        "$0 sweep --alpha 0:0.3:0.1 --layers 2-6,0-3 --ids demo --out runs/alpha-layers",
        "on the demo's images",
      )
      .example("$0 sweep sweep.yaml --gpu-id 0,1,2,3", "one worker a GPU")
      .example(
        "$0 sweep --plugin mine.py --attention aai,lift --alpha 0.1,0.3 --out runs/mine",
        "a method of your own beside AAI",
      ) as never,
  handler: async (args) => {
    const early = args.plugin && (await startFirst(workersOf(args))); // only a worker knows what plug-ins declare
    await using first = early?.first;
    const { plugins = [] } = first ?? {};
    const spec = specOf(args, plugins);
    const { out } = spec;
    if (out === undefined && !args["dry-run"]) throw new UsageError("Name the sweep's folder with --out.");
    const space = composeSpace(spec, checkpointsOf(spec), plugins);
    if (plugins.length > 0 && !space.cells().some(({ settings }) => isOwn(settings)))
      throw new UsageError("--plugin is given, but no cell of the sweep has a method of it.");
    const baseline = args.baseline ?? spec.baseline ?? [];
    requireBaselines(space.cells(), [baseline].flat());
    noteData(spec, args);
    const data = composeData(spec);
    const [workers, load] = [early?.starts ?? workersOf(args), loadOptionsOf(args)];
    const batchSize = args["batch-size"] ?? "auto";
    if (args["dry-run"]) {
      const cells = space.cells();
      for (const { name } of cells) console.log(name);
      console.log(`\n${estimateNote(await estimate(cells, data, workers, load, batchSize), workers.length)}`);
      return;
    }
    const metric = benchmarkNamed(data.benchmark)(args.rule && { rule: args.rule });
    let progress: ReturnType<typeof startProgress> | undefined;
    const result = await sweep({
      ...{ data, space, workers, load, batchSize, baseline, out: out! },
      metrics: applicable(metric, data),
      scheduler: composeScheduler(spec),
      retryFailed: args["retry-failed"],
      onProgress: (state) => {
        progress ??= startProgress("sweep", state.total, state.done);
        progress.update(state.done, note(state), state.total);
      },
    });
    progress?.end();
    console.log(`${result.table()}\n`);
    for (const metric of result.metrics) console.log(tableNote(metric));
    for (const { name, round, reason } of result.experiment.drops)
      console.log(`Dropped in round ${round}: ${name}, ${reason}.`);
    const files = await writeReport(result);
    console.log(`\nWritten: ${files.filter((file) => /\.(md|png)$/.test(file)).join(", ")}`);
    noteEdits(result.experiment.cells);
    const { failed } = result;
    if (failed.length === 0) return;
    const shown = failed.slice(0, 5).map(({ name, error }) => `  ${name}: ${error}`);
    throw new CommandError(
      `${failed.length} rows failed; --retry-failed does them again.\n${shown.join("\n")}`,
    );
  },
};

function note({ inFlight, tokensPerSecond, best }: ExperimentProgress): string {
  const leader = best && `best: ${best.name}, ${best.figure} ${best.text} on ${best.answers} answers`;
  return [`${inFlight} rows in flight`, `${tokensPerSecond.toFixed(0)} tokens/s`, leader]
    .filter(Boolean)
    .join("  ");
}
