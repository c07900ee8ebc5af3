import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chair, cocoCaptions, pope, popeQuestions } from "../../src/benchmarks";
import { type Model, startWorker, type Worker } from "../../src/client";
import { workersOn } from "../../src/experiments/decode/workers";
import { evaluate } from "../../src/experiments/evaluate";
import { racing } from "../../src/experiments/schedule/racing";
import { space } from "../../src/experiments/space/space";
import { readExperiment } from "../../src/experiments/store/folder";
import { sweep } from "../../src/experiments/sweep";
import { aai, beam, greedy, none, pai, sample, vcd } from "../../src/methods";

const root = join(__dirname, "../..");
const checkpoint = join(root, "demo/checkpoint");
const images = join(root, "demo/data/val2014");
const annotations = join(root, "demo/data/annotations");
const folder = mkdtempSync(join(tmpdir(), "sweep-demo-"));

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await startWorker({ threads: 1 });
  model = await worker.load(checkpoint);
});
afterAll(async () => {
  await worker.close();
  rmSync(folder, { recursive: true });
});

const ids = { count: 4, seed: 3 };
const data = cocoCaptions({ images, annotations, ids });
const search = greedy({ maxNewTokens: 40 });
const mixed = (checkpoint?: string) =>
  space({ search, ...(checkpoint && { checkpoint }) })
    .grid({ "attention.alpha": [0, 0.2], "attention.layers": [[2, 6]] })
    .named({
      pai: { attention: pai({ alpha: 0.3 }) },
      vcd: { contrast: vcd() },
      "beam with aai": { attention: aai({ alpha: 0.1 }), search: beam({ numBeams: 2, maxNewTokens: 24 }) },
      sampled: { search: sample({ maxNewTokens: 24, seed: 5 }) },
    });

/** Cell name -> its captions by image. */
function captions(out: string): Record<string, Record<string, string>> {
  const { cells, items, records } = readExperiment(out);
  const of = (id: string) =>
    items.map((item) => {
      const { image_id, answer } = records.get(`${id} ${item.id}`)!;
      return [image_id, answer];
    });
  return Object.fromEntries(cells.map(({ id, name }) => [name, Object.fromEntries(of(id))]));
}

test("every cell says what a run of that cell alone says, whatever the batch", async () => {
  await sweep({ model, data, space: mixed(), metrics: [chair()], out: join(folder, "mixed") });
  const found = captions(join(folder, "mixed"));
  expect(Object.keys(found)).toEqual([
    ...["plain", "plain, beam maxNewTokens 24 numBeams 2", "sampled"],
    ...["alpha 0.2", "pai", "vcd", "beam with aai"],
  ]);
  for (const { name, settings } of mixed().cells()) {
    const { attention = none, contrast, search } = settings;
    const out = join(folder, "alone", name);
    await evaluate({ model, data, metrics: [], attention, contrast, search, batchSize: 3, out });
    expect(Object.values(captions(out))).toEqual([found[name]]);
  }
  expect(new Set(Object.values(found).map((one) => JSON.stringify(one))).size).toBeGreaterThan(3);
});

test("two workers say what one says", async () => {
  const workers = workersOn(["cpu", "cpu"], { threads: 1 });
  const out = join(folder, "two");
  await sweep({ workers, data, space: mixed(checkpoint), metrics: [chair()], out, batchSize: 5 });
  expect(captions(out)).toEqual(captions(join(folder, "mixed")));
});

test("experiment.json says what was done in every cell, whoever died on the way", async () => {
  await using lent = await startWorker({ threads: 1 });
  const cut = await lent.load(checkpoint);
  const out = join(folder, "attested");
  const settings = { data, space: mixed(), metrics: [chair()], out, batchSize: 2 };
  const interrupted = sweep({
    ...settings,
    model: cut,
    onProgress: ({ done }) => done === 9 && process.kill(lent.pid!, "SIGKILL"),
  });
  await expect(interrupted).rejects.toThrow("was killed");
  await sweep({ ...settings, model });
  const attested = (name: string) =>
    Object.fromEntries(readExperiment(join(folder, name)).cells.map((cell) => [cell.name, cell.attestation]));
  expect(attested("attested")).toEqual(attested("mixed"));
  expect(attested("attested")).toMatchObject({
    plain: { answers: 4, edits: [], contrasts: [] },
    "alpha 0.2": { edits: [{ method: "aai", rows: 4, layers: [[2, 6]] }] },
    vcd: { answers: 4, edits: [], contrasts: [{ method: "vcd", rows: 4 }] },
    "beam with aai": { edits: [{ method: "aai", rows: 4, layers: [[2, 6]] }] },
  });
});

test("POPE's questions under two prompts", async () => {
  const groundTruth = Object.fromEntries(data.items.map(({ id, reference }) => [id, reference as string[]]));
  const built = pope.build(groundTruth, {
    images: 2,
    seed: 0,
    imageName: (id) => `COCO_val2014_${id.padStart(12, "0")}.png`,
  });
  const questions = ["random", "adversarial"].map((split) => {
    const file = join(folder, `coco_pope_${split}.json`);
    const lines = built.filter((one) => one.split === split).map((one) => JSON.stringify(one));
    writeFileSync(file, lines.join("\n"));
    return file;
  });
  const result = await sweep({
    model,
    data: popeQuestions({ images, questions }),
    search: greedy({ maxNewTokens: 4 }),
    space: {
      "attention.alpha": [0, 0.1],
      "attention.warmup": -1,
      prompt: ["{question}", "{question} Please."],
    },
    metrics: [pope()],
    out: join(folder, "pope"),
  });
  const [{ cells, primary }] = result.metrics as [(typeof result.metrics)[number]];
  expect(primary).toBe("mean accuracy");
  expect(cells.map(({ items }) => items)).toEqual(Array(4).fill(built.length - built.length / 3));
  expect(cells[0]!.figures["random accuracy"]).toBeGreaterThan(0.5);
  const asked = readFileSync(join(folder, "pope/samples.jsonl"), "utf8");
  expect(asked).toMatch(/"answer":"(Yes|No)/);

  const likely = await sweep({
    model,
    data: popeQuestions({ images, questions: questions.slice(0, 1), likelihood: true }),
    search: greedy({ maxNewTokens: 1 }),
    space: {},
    metrics: [pope()],
    out: join(folder, "likely"),
  });
  const [record] = readExperiment(join(folder, "likely")).records.values();
  expect(record!.probes).toHaveLength(8);
  expect(likely.best!.figures["random accuracy"]).toBeGreaterThan(0.5);
});

test("a race drops what is worse, records why, and goes on the same way when called again", async () => {
  const race = () =>
    sweep({
      model,
      data: cocoCaptions({ images, annotations, ids: { count: 24, seed: 0 } }),
      search: greedy({ maxNewTokens: 64 }),
      space: { "attention.alpha": [0, 0.1, 1], "attention.warmup": -1 },
      metrics: [chair()],
      scheduler: racing({ rounds: [12], figure: "Recall" }),
      out: join(folder, "race"),
    });
  const first = await race();
  expect(first.experiment.drops).toMatchObject([{ name: "alpha 1", round: 1, images: 12 }]);
  expect(first.experiment.scheduler).toMatchObject({ level: 0.05, rounds: [12] });
  const states = Object.fromEntries(
    first.metrics[0]!.cells.map(({ cell, state, items }) => [cell.name, [state.state, items]]),
  );
  expect(states).toEqual({
    plain: ["done", 24],
    "alpha 0.1": ["done", 24],
    "alpha 1": ["dropped", 12],
  });
  const samples = readFileSync(join(folder, "race/samples.jsonl"), "utf8");
  expect((await race()).experiment.drops).toEqual(first.experiment.drops);
  expect(readFileSync(join(folder, "race/samples.jsonl"), "utf8")).toBe(samples);
});

test("seeds of sampling get a table of their own", async () => {
  const result = await sweep({
    model,
    data,
    search: sample({ maxNewTokens: 40 }),
    space: { seed: [1, 2, 3], attention: [none, aai({ alpha: 0.2 })] },
    metrics: [chair()],
    out: join(folder, "seeds"),
  });
  const [{ cells }] = result.metrics as [(typeof result.metrics)[number]];
  const lengths = cells
    .filter(({ cell }) => cell.settings.attention === none)
    .map(({ figures }) => 100 * figures.Len!);
  expect(lengths).toHaveLength(3);
  const mean = lengths.reduce((sum, one) => sum + one) / 3;
  const deviation = Math.sqrt(lengths.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 2);
  expect(deviation).toBeGreaterThan(0);
  const row = new RegExp(`^plain +3 .* ${mean.toFixed(1)} ± ${deviation.toFixed(1)}$`, "m");
  expect(result.table()).toMatch(row);
  expect(result.table()).toMatch(/^aai alpha 0\.2 +3 /m);
});
