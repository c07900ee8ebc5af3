import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { identityOf } from "../../src/base/identity";
import { chair, cocoCaptions, pope, popeQuestions } from "../../src/benchmarks";
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import { estimate } from "../../src/experiments/estimate";
import { ExperimentResult } from "../../src/experiments/result/result";
import { range } from "../../src/experiments/space/range";
import { space } from "../../src/experiments/space/space";
import { readExperiment, removeStale, staleRecords } from "../../src/experiments/store/folder";
import { sweep } from "../../src/experiments/sweep";
import { aai, greedy, none, pai } from "../../src/methods";
import { fakeWorker } from "../support/fake_worker";

const nouns = ["cat", "dog", "bus", "car", "fork", "cup", "bed", "tie", "cake", "boat"];
const groundTruth = Object.fromEntries(nouns.map((noun, i) => [i + 1, i % 2 ? [noun] : ["person"]]));

let worker: Worker;
let model: Model;
let folder: string;
let out: string;
const started: Worker[] = [];

beforeAll(async () => {
  worker = await fakeWorker();
  model = await worker.load("ok");
});
afterAll(() => worker.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-"));
  out = join(folder, "sweep");
  mkdirSync(join(folder, "images"));
  for (const [i, noun] of nouns.entries()) writeFileSync(imageFile(i + 1), noun);
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.close()));
  rmSync(folder, { recursive: true, force: true });
});

const imageFile = (id: number) => join(folder, "images", `COCO_val2014_${String(id).padStart(12, "0")}.png`);
const data = (count = 10) =>
  cocoCaptions({ images: join(folder, "images"), groundTruth, ids: { count, seed: 0 } });
const settings = () => ({
  data: data(),
  metrics: [chair()],
  out,
  space: space({ prompt: "caption" }).grid({ "attention.alpha": [0, 0.1, 0.2] }),
});
const lines = (name = out) => readFileSync(join(name, "samples.jsonl"), "utf8").trimEnd().split("\n");
const start = async () => {
  const one = await fakeWorker();
  started.push(one);
  return one;
};
const withCheckpoint = () => ({
  ...settings(),
  space: space({ prompt: "caption", checkpoint: "ok" }).grid({ "attention.alpha": [0, 0.1, 0.2] }),
});

test("cells record what their checkpoint's generation_config.json does to logits", async () => {
  await sweep({ ...settings(), model: await worker.load("processors") });
  expect(readExperiment(out).cells.map(({ processors }) => processors)).toEqual(
    Array(3).fill({ repetition_penalty: 1.05 }),
  );
});

test("every image under every cell, with figures, intervals and tests", async () => {
  const progress: number[] = [];
  const result = await sweep({
    ...settings(),
    model,
    onProgress: ({ done, total }) => progress.push(done / total),
  });
  expect(lines()).toHaveLength(30);
  expect(progress.at(0)).toBe(0);
  expect(progress.at(-1)).toBe(1);
  const [{ cells, primary }] = result.metrics as [(typeof result.metrics)[number]];
  expect(primary).toBe("CHAIRi");
  expect(cells.map(({ state, items, figures }) => [state.state, items, figures.CHAIRs])).toEqual(
    Array(3).fill(["done", 10, 0.5]),
  );
  expect(cells.map(({ comparison }) => comparison?.differences.CHAIRi)).toEqual([undefined, 0, 0]);
  expect(result.table()).toMatch(/^plain \(baseline\) +10 +50\.0 \[/m);
  expect(result.table("markdown")).toMatch(/^\| alpha 0\.1 +\| +10 \|/m);
  const { runs, scheduler } = readExperiment(out);
  expect(scheduler).toEqual({ rule: "everything" });
  expect(runs).toMatchObject([{ versions: { node: process.versions.node } }]);
});

test("the same call again does nothing; more alphas and more images do what is new", async () => {
  await sweep({ ...settings(), data: data(6), model });
  const first = lines();
  expect(first).toHaveLength(18);
  await sweep({ ...settings(), data: data(6), model });
  expect(lines()).toEqual(first);
  const wider = space({ prompt: "caption" }).grid({ "attention.alpha": [0.3, 0, 0.1, 0.2] });
  await sweep({ ...settings(), data: data(6), model, space: wider });
  expect(lines().slice(0, 18)).toEqual(first);
  expect(lines()).toHaveLength(24);
  const { cells } = (await sweep({ ...settings(), model, space: wider })).metrics[0]!;
  expect(lines()).toHaveLength(40);
  expect(new Set(lines().map((line) => JSON.parse(line).key)).size).toBe(40);
  expect(cells.map(({ items }) => items)).toEqual([10, 10, 10, 10]);
});

test("an image that changed is done again, and gc takes out what nobody needs", async () => {
  await sweep({ ...settings(), model });
  copyFileSync(imageFile(2), imageFile(4)); // a dog where a car was
  const { metrics } = await sweep({ ...settings(), model });
  expect(lines()).toHaveLength(33);
  expect(metrics[0]!.cells[0]!.figures.CHAIRs).toBe(0.6);
  const fewer = space({ prompt: "caption" }).grid({ "attention.alpha": [0, 0.1] });
  await sweep({ ...settings(), model, space: fewer });
  expect(staleRecords(readExperiment(out))).toHaveLength(3 + 10);
  removeStale(out);
  expect(lines()).toHaveLength(20);
  expect(staleRecords(readExperiment(out))).toEqual([]);
  await sweep({ ...settings(), model, space: fewer });
  expect(lines()).toHaveLength(20);
});

test("a link that leads nowhere is a failed image, until it leads somewhere", async () => {
  rmSync(imageFile(4));
  symlinkSync("/nowhere/4.png", imageFile(4));
  const result = await sweep({ ...settings(), model });
  expect(result.failed.map(({ error }) => error)).toEqual(
    Array(3).fill(expect.stringMatching(/There is no image file at .*000000000004\.png/)),
  );
  expect(result.metrics[0]!.cells.map(({ items, failed }) => [items, failed])).toEqual(Array(3).fill([9, 1]));
  rmSync(imageFile(4));
  writeFileSync(imageFile(4), "car");
  expect((await sweep({ ...settings(), model })).failed).toEqual([]);
});

test("the questions of two files of one split are all asked and scored", async () => {
  const files = ["coco_pope_random.json", "gqa_pope_random.json"].map((name, i) => {
    const text = "caption a cat?";
    const lines = [1, 2].map((question_id) => ({
      question_id,
      image: basename(imageFile(1)),
      text,
      label: "yes",
      i,
    }));
    writeFileSync(join(folder, name), lines.map((line) => JSON.stringify(line)).join("\n"));
    return join(folder, name);
  });
  const result = await sweep({
    ...{ model, out, space: space({}).grid({ "attention.alpha": [0] }), metrics: [pope()] },
    data: popeQuestions({ images: join(folder, "images"), questions: files }),
  });
  expect(result.metrics[0]!.cells.map(({ items, failed }) => [items, failed])).toEqual([[4, 0]]);
});

test("cells that mean the same to a model are one", async () => {
  const attention = [aai({ alpha: 0.1 }), aai({ alpha: 0.1, layers: [2, 4] })]; // the fake decoder has 4 layers
  const composed = space({ prompt: "caption" }).grid({ attention });
  expect(composed.cells()).toHaveLength(3);
  await sweep({ ...settings(), model, space: composed });
  expect(lines()).toHaveLength(20);
});

test("failed images are recorded, and done again only when asked", async () => {
  writeFileSync(imageFile(4), "broken");
  const result = await sweep({ ...settings(), model });
  expect(result.failed).toHaveLength(3);
  expect(result.failed[0]!.error).toBe("It is broken.");
  expect(result.metrics[0]!.cells.map(({ items, failed }) => [items, failed])).toEqual(Array(3).fill([9, 1]));
  await sweep({ ...settings(), model });
  expect(lines()).toHaveLength(30);
  await sweep({ ...settings(), model, retryFailed: true });
  expect(lines()).toHaveLength(33);
});

test("one worker or two, batches of 1 or 7: the same answers", async () => {
  await sweep({ ...withCheckpoint(), workers: [start], batchSize: 1 });
  const one = lines().sort();
  const other = join(folder, "other");
  const pids = new Set<number | undefined>();
  const watched = async () => {
    const fresh = await start();
    pids.add(fresh.pid);
    return fresh;
  };
  await sweep({ ...withCheckpoint(), workers: [watched, watched], batchSize: 7, out: other });
  expect(pids.size).toBe(2);
  expect(lines(other).sort()).toEqual(one);
});

test("what a killed worker leaves undone goes to others, and to its successor", async () => {
  const killed: number[] = [];
  await sweep({
    ...withCheckpoint(),
    workers: [start, start],
    batchSize: 2,
    onProgress: ({ done }) => {
      if (killed.length > 0 || done < 7) return;
      killed.push(started[0]!.pid!);
      process.kill(started[0]!.pid!, "SIGKILL");
    },
  });
  expect(killed).toHaveLength(1);
  expect(started).toHaveLength(3);
  expect(new Set(lines().map((line) => JSON.parse(line).key)).size).toBe(30);
  expect(lines()).toHaveLength(30);
});

test("an image that ends every worker is given up after three, the others are done", async () => {
  writeFileSync(imageFile(4), "deadly");
  const result = await sweep({ ...withCheckpoint(), workers: [start] });
  expect(started).toHaveLength(4);
  expect(result.failed).toHaveLength(3);
  expect(result.failed[0]!.error).toMatch(/^Three workers died with it: The worker exited with code 9/);
  expect(result.metrics[0]!.cells.map(({ items }) => items)).toEqual([9, 9, 9]);
});

test("a model that was lent dies: what is recorded stays", async () => {
  const lent = await start();
  const once = sweep({
    ...settings(),
    model: await lent.load("ok"),
    onProgress: ({ done }) => {
      if (done === 5) process.kill(lent.pid!, "SIGKILL");
    },
  });
  await expect(once).rejects.toThrow("was killed");
  const before = lines();
  expect(before.length).toBeGreaterThanOrEqual(5);
  await sweep({ ...settings(), model });
  expect(lines().slice(0, before.length)).toEqual(before);
  expect(lines()).toHaveLength(30);
});

test("aborted and called again, nothing is lost and nothing done twice", async () => {
  const controller = new AbortController();
  const cancelled = sweep({
    ...settings(),
    model,
    signal: controller.signal,
    onProgress: ({ done }) => done === 4 && controller.abort(),
  });
  await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
  await sweep({ ...settings(), model });
  expect(lines()).toHaveLength(30);
});

test("an estimate divides the time by devices, and by the workers on one of them at best", async () => {
  const { space: cells, data } = withCheckpoint();
  const ratio = async (...devices: (string | undefined)[]) => {
    const starts = devices.map((device) => Object.assign(() => start(), device && { device }));
    const { seconds, secondsAtBest, tokensPerSecond, rows } = await estimate(cells.cells(), data, starts);
    const alone = (2 * rows) / tokensPerSecond; // two tokens a row
    return [alone / seconds, alone / secondsAtBest];
  };
  const cores = availableParallelism();
  expect(await ratio("cpu")).toEqual([1, 1].map(closeTo));
  expect(await ratio("cpu", "cpu")).toEqual([1, Math.min(2, cores)].map(closeTo));
  expect(await ratio(...Array(4 * cores).fill("cpu"))).toEqual([1, cores].map(closeTo));
  expect(await ratio("cuda:0", "cuda:1")).toEqual([2, 2].map(closeTo));
  expect(await ratio(undefined, undefined, undefined)).toEqual([3, 3].map(closeTo));
});

const closeTo = (value: number) => expect.closeTo(value, 6);

test("several checkpoints, one after another, each with its baseline", async () => {
  const checkpoints = space({ prompt: "caption" }).grid({
    checkpoint: ["ok", "fine"],
    attention: [aai(), pai({ alpha: 0.2 })],
  });
  expect(checkpoints.cells().map(({ name }) => name)).toEqual([
    "plain, ok",
    "plain, fine",
    "ok, aai",
    "ok, pai alpha 0.2",
    "fine, aai",
    "fine, pai alpha 0.2",
  ]);
  const result = await sweep({ ...settings(), workers: [start], space: checkpoints });
  // The fake worker's checkpoints are the same by their fingerprint: their cells share their answers.
  expect(lines()).toHaveLength(30);
  expect(result.metrics[0]!.cells).toHaveLength(6);
});

test("a baseline by name is recorded: the report goes on with it", async () => {
  const { metrics } = await sweep({ ...settings(), model, baseline: "alpha 0.1" });
  const compared = (cells: (typeof metrics)[number]["cells"]) =>
    Object.fromEntries(cells.map(({ cell, comparison }) => [cell.name, comparison?.baseline]));
  const expected = { plain: "alpha 0.1", "alpha 0.1": undefined, "alpha 0.2": "alpha 0.1" };
  expect(compared(metrics[0]!.cells)).toEqual(expected);
  expect(compared(new ExperimentResult(readExperiment(out)).metrics[0]!.cells)).toEqual(expected);
  const unknown = sweep({ ...settings(), model, baseline: "alpha 0.3" });
  await expect(unknown).rejects.toThrow('The baseline "alpha 0.3" is no cell of the sweep');
});

test("a cell's identity is what changes its answers, and nothing else", async () => {
  const identity = async (change: object) => {
    const name = join(folder, identityOf(change));
    await sweep({ ...settings(), model, out: name, ...change });
    return readExperiment(name).cells.map(({ id }) => id);
  };
  const usual = await identity({});
  expect(await identity({ batchSize: 3, retryFailed: true, data: data(4), metrics: [] })).toEqual(usual);
  const other = await identity({
    space: space({ prompt: "caption it" }).grid({ "attention.alpha": [0, 0.1] }),
  });
  expect(usual).not.toContain(other[0]);
  const shorter = space({ prompt: "caption", search: greedy({ maxNewTokens: 5 }) });
  expect(usual).not.toContain((await identity({ space: shorter }))[0]);
});

test("wrong calls are refused in a sentence, before anything is decoded", async () => {
  const call = (change: object) => sweep({ ...settings(), model, ...change } as never);
  await expect(call({ metrics: [pope()] })).rejects.toThrow("pope() does not score chair data");
  await expect(call({ data: cocoCaptions({ images: join(folder, "images") }) })).rejects.toThrow(
    "scores answers by what is in the images, and of 10 of 10 that is not known",
  );
  await expect(call({ space: space().grid({ "attention.layers": [[2, 40]] }) })).rejects.toThrow(
    /Cell "aai layers 2-40": aai: layers are \[2, 40\).*has 4/,
  );
  await expect(call({ space: space({ checkpoint: "ok" }) })).rejects.toThrow("give workers instead");
  await expect(call({ attention: none })).rejects.toThrow("attention stands beside a composed space");
  await expect(call({ model: undefined, workers: [start] })).rejects.toThrow("name a checkpoint");
  await expect(call({ space: { "attention.alhpa": [1] } })).rejects.toThrow(
    "attention.alhpa is a parameter of no cell",
  );
  expect(started).toEqual([]);
});

test("killed with SIGKILL at any moment and started again, a sweep ends as if nothing had happened", async () => {
  await sweep({ ...settings(), model, out: join(folder, "uninterrupted") });
  const script = `
    const { fakeWorker } = require("./test/support/fake_worker.ts");
    const { sweep, space, cocoCaptions, chair } = require("./src/index.ts");
    const images = ${JSON.stringify(join(folder, "images"))};
    const groundTruth = ${JSON.stringify(groundTruth)};
    (async () => {
      const worker = await fakeWorker();
      await sweep({
        model: await worker.load("ok"), metrics: [chair()], out: ${JSON.stringify(out)}, batchSize: 2,
        data: cocoCaptions({ images, groundTruth, ids: { count: 10, seed: 0 } }),
        space: space({ prompt: "caption" }).grid({ "attention.alpha": [0, 0.1, 0.2] }),
        onProgress: ({ done }) => console.log(done),
      });
      await worker.close();
    })();`;
  const run = () =>
    execa("node", ["-r", "ts-node/register/transpile-only", "-e", script], {
      cwd: join(__dirname, "../.."),
      reject: false,
    });
  for (const kill of [7, 19]) {
    const driver = run();
    driver.stdout.on("data", (text: Buffer) => {
      if (Number(String(text).trim().split("\n").at(-1)) >= kill) driver.kill("SIGKILL");
    });
    expect((await driver).signal).toBe("SIGKILL");
  }
  expect((await run()).exitCode).toBe(0);
  expect(lines()).toHaveLength(30);
  expect(lines().sort()).toEqual(lines(join(folder, "uninterrupted")).sort());
});

test("every cell of a long range is written down", async () => {
  const many = space({ prompt: "caption" }).grid({ "attention.alpha": range(0.01, 0.2, 0.01) });
  const { metrics } = await sweep({ ...settings(), data: data(2), model, space: many });
  expect(metrics[0]!.cells).toHaveLength(21);
  expect(lines()).toHaveLength(42);
});
