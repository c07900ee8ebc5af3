import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { chair, cocoCaptions, type GroundTruth } from "../../src/benchmarks";
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import type { ImageChoice } from "../../src/data";
import { evaluate } from "../../src/experiments/evaluate";
import { answersOf, ExperimentResult } from "../../src/experiments/result/result";
import { readExperiment } from "../../src/experiments/store/folder";
import { sweep } from "../../src/experiments/sweep";
import { type Attention, aai, greedy, none } from "../../src/methods";
import { fakeWorker } from "../support/fake_worker";

const nouns = ["cat", "dog", "bus", "car", "fork", "cup", "bed", "tie", "cake", "boat"];
const groundTruth = Object.fromEntries(nouns.map((noun, i) => [i + 1, i % 2 ? [noun] : ["person"]]));

let worker: Worker;
let model: Model;
let folder: string;
let options: Options;
interface Options {
  model?: Model;
  images: string;
  ids: ImageChoice;
  prompt: string;
  attention: Attention;
  batchSize: number;
  retryFailed: boolean;
  out?: string | undefined;
  groundTruth: GroundTruth | undefined;
  signal?: AbortSignal;
  onProgress?(progress: { done: number }): void;
}
const folders: string[] = [];

beforeAll(async () => {
  worker = await fakeWorker();
  model = await worker.load("ok");
});
afterAll(async () => {
  await worker.close();
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runs-"));
  folders.push(folder);
  const images = join(folder, "images");
  mkdirSync(images);
  for (const [i, noun] of nouns.entries())
    writeFileSync(join(images, `COCO_val2014_${String(i + 1).padStart(12, "0")}.png`), noun);
  options = {
    images,
    ids: { count: 10, seed: 0 },
    prompt: "caption",
    attention: none,
    batchSize: 3,
    retryFailed: false,
    out: join(folder, "run"),
    groundTruth,
  };
});

const samples = (out = options.out!) => readFileSync(join(out, "samples.jsonl"), "utf8");
const run = async (changes: Partial<Options> = {}) => {
  const { images, ids, groundTruth, ...rest } = { model, ...options, ...changes };
  return evaluate({
    ...rest,
    data: cocoCaptions({ images, ids, ...(groundTruth && { groundTruth }) }),
    metrics: groundTruth ? [chair()] : [],
    search: greedy(),
  });
};
const captionsOf = ({ experiment }: ExperimentResult) =>
  answersOf(experiment, experiment.cells[0]!).map(({ item, answer }) => ({
    image_id: item.fields.image_id as number | string,
    caption: answer.answer,
  }));
const figuresOf = ({ metrics }: ExperimentResult) => metrics[0]!.cells[0]!.figures;
const described = (out = options.out!) => JSON.parse(readFileSync(join(out, "experiment.json"), "utf8"));

test("an evaluation holds captions, scores and what it was made with", async () => {
  const progress: number[] = [];
  const result = await run({ onProgress: ({ done }) => progress.push(done) });
  expect(captionsOf(result).map(({ image_id }) => image_id)).toEqual(
    expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
  );
  expect(figuresOf(result).CHAIRs).toBe(0.5);
  expect(progress).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const { benchmark, cells, runs } = described();
  expect(benchmark).toBe("chair");
  expect(cells).toMatchObject([
    { name: "plain, greedy", decoding: { prompt: "caption", checkpoint: { fingerprint: "fake" } } },
  ]);
  expect(runs[0].versions.node).toBe(process.versions.node);
  const [{ cells: stored }] = JSON.parse(readFileSync(join(options.out!, "results.json"), "utf8"));
  expect(stored[0].figures.CHAIRs).toBe(0.5);
});

test("beside the samples lie the captions, with how they ended, for those who drop what was cut off", async () => {
  await run();
  const lines = readFileSync(join(options.out!, "captions.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line)).find(({ image_id }) => image_id === 1)).toEqual({
    ...{ image_id: 1, caption: "There is a cat.", finish_reason: "stop" },
  });
  expect(lines).toHaveLength(10);
});

test("an evaluation keeps what is in its images, and only in those", async () => {
  await run({ groundTruth: { ...groundTruth, 99: ["zebra"] } });
  const { items } = readExperiment(options.out!);
  expect(Object.fromEntries(items.map(({ name, reference }) => [name, reference]))).toEqual(groundTruth);
});

test("what the checkpoint's generation_config.json does to logits is recorded, where it does anything", async () => {
  await run({ model: await worker.load("processors") });
  await run({ out: join(folder, "plain") });
  expect(described().cells[0].processors).toEqual({ repetition_penalty: 1.05 });
  expect(described(join(folder, "plain")).cells[0]).not.toHaveProperty("processors");
});

test("another ground truth scores the same captions anew", async () => {
  const first = await run();
  const written = samples();
  await run({ groundTruth: { ...groundTruth, 99: ["cat"] } });
  expect(figuresOf(first)).toEqual(figuresOf(new ExperimentResult(readExperiment(options.out!)))); // image 99 is none of its
  expect(figuresOf(await run({ groundTruth: { ...groundTruth, 1: ["cat"] } })).CHAIRs).toBe(0.4);
  expect(samples()).toBe(written);
  expect(figuresOf(new ExperimentResult(readExperiment(options.out!))).CHAIRs).toBe(0.4);
});

test("the batch size does not change the output", async () => {
  await run();
  await run({ batchSize: 7, out: join(folder, "other") });
  expect(samples(join(folder, "other"))).toBe(samples());
});

test("scores and intervals do not depend on which row ended first", async () => {
  await run();
  const other = join(folder, "other");
  cpSync(options.out!, other, { recursive: true });
  const lines = samples().trimEnd().split("\n");
  writeFileSync(join(other, "samples.jsonl"), `${lines.reverse().join("\n")}\n`);
  const [here, there] = [options.out!, other].map((one) => new ExperimentResult(readExperiment(one)));
  expect(captionsOf(there!)).toEqual(captionsOf(here!));
  expect(there!.metrics[0]!.cells).toEqual(here!.metrics[0]!.cells);
});

test("the same command again does nothing twice", async () => {
  const start = (await worker.stats()).generatedTokens;
  await run();
  const before = (await worker.stats()).generatedTokens;
  expect(before).toBeGreaterThan(start);
  const first = samples();
  await run();
  expect(samples()).toBe(first);
  expect((await worker.stats()).generatedTokens).toBe(before);
});

test("changed settings are refused with what changed, other batch sizes are not", async () => {
  await run();
  const changed = { attention: aai({ alpha: 0.2 }), prompt: "caption it" };
  await expect(run(changed)).rejects.toThrow(/other settings[\s\S]*prompt: "caption" → "caption it"/);
  await expect(run({ batchSize: 1 })).resolves.toBeDefined();
});

test("without a name the folder is named after the settings: the same command continues, another makes its own", async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    const folderOf = async (prompt: string) => (await run({ prompt, out: undefined })).folder;
    const first = await folderOf("caption");
    expect(first).toMatch(/^runs.chair-[0-9a-f]{8}$/);
    expect(await folderOf("caption")).toBe(first);
    expect(await folderOf("caption it")).not.toBe(first);
  } finally {
    process.chdir(before);
  }
});

test("a last line that a crash cut short is mended", async () => {
  await run();
  const whole = samples();
  writeFileSync(join(options.out!, "samples.jsonl"), whole.slice(0, -25));
  await run();
  expect(samples()).toBe(whole);
});

test("a broken line elsewhere is named", async () => {
  await run();
  appendFileSync(join(options.out!, "samples.jsonl"), "nonsense\n");
  await expect(run()).rejects.toThrow(/samples.jsonl, line 11 is not JSON/);
});

test("a folder of a newer version is refused, and so is one of an earlier one", async () => {
  await run();
  const file = join(options.out!, "experiment.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"format": 2', '"format": 3'));
  await expect(run()).rejects.toThrow("format 3, made by a newer version");
  for (const name of ["run.json", "sweep.json"]) {
    const earlier = join(folder, `of ${name}`);
    mkdirSync(earlier);
    writeFileSync(join(earlier, name), "{}");
    await expect(run({ out: earlier })).rejects.toThrow(`was made by an earlier version (it has ${name})`);
    expect(() => readExperiment(earlier)).toThrow("was made by an earlier version");
  }
});

test("a failed image is recorded, and done again when asked or when its picture is another", async () => {
  const broken = join(options.images, "COCO_val2014_000000000004.png");
  writeFileSync(broken, "broken");
  const first = await run();
  expect(captionsOf(first)).toHaveLength(9);
  expect(first.failed).toMatchObject([{ name: "4", error: "It is broken." }]);
  const lines = () => samples().trimEnd().split("\n").length;
  await run();
  expect(lines()).toBe(10);
  expect((await run({ retryFailed: true })).failed).toHaveLength(1);
  expect(lines()).toBe(11);
  writeFileSync(broken, "car");
  const mended = await run();
  expect(mended.failed).toHaveLength(0);
  expect(captionsOf(mended)).toHaveLength(10);
});

const imageFile = (id: number) => join(options.images, `COCO_val2014_${String(id).padStart(12, "0")}.png`);
const swap = (one: string, other: string) => {
  renameSync(one, `${one}.moved`);
  renameSync(other, one);
  renameSync(`${one}.moved`, other);
};

test("other pictures under the same names are another run", async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    const captionOf = (result: ExperimentResult, id: number) =>
      captionsOf(result).find(({ image_id }) => image_id === id)!.caption;
    const first = await run({ out: undefined });
    swap(imageFile(1), imageFile(2));
    const second = await run({ out: undefined });
    expect(second.folder).not.toBe(first.folder);
    expect([captionOf(first, 1), captionOf(second, 1)]).toEqual(["There is a cat.", "There is a dog."]);
  } finally {
    process.chdir(before);
  }
});

test("a folder that was named is not continued with other pictures, also where it is half done", async () => {
  await run();
  const half = samples().trimEnd().split("\n").slice(0, 5);
  writeFileSync(join(options.out!, "samples.jsonl"), `${half.join("\n")}\n`);
  const [done] = half.map((line) => JSON.parse(line).image_id);
  writeFileSync(imageFile(done), "fork and cup");
  await expect(run()).rejects.toThrow(
    new RegExp(`1 of 5 answers are about other pictures \\(${done}\\).*Name another folder with --out`),
  );
  expect(samples().trimEnd().split("\n")).toEqual(half);
});

test("pictures that were not answered about may change while a run rests", async () => {
  await run();
  const [first, ...rest] = samples().trimEnd().split("\n");
  writeFileSync(join(options.out!, "samples.jsonl"), `${rest.join("\n")}\n`);
  const missing = JSON.parse(first!).image_id;
  writeFileSync(imageFile(missing), "sandwich");
  const captions = captionsOf(await run());
  expect(captions.find(({ image_id }) => image_id === missing)!.caption).toBe("There is a sandwich.");
});

test("the place of the images is no part of a run's identity, nor is a folder's other content", async () => {
  await run();
  const first = samples();
  const moved = join(folder, "moved");
  cpSync(options.images, moved, { recursive: true });
  writeFileSync(join(moved, "notes.txt"), "");
  await run({ images: moved });
  expect(samples()).toBe(first);
});

test("a link that leads nowhere is a failed image, the others are captioned", async () => {
  rmSync(imageFile(4));
  symlinkSync("/nowhere/4.png", imageFile(4));
  const first = await run();
  expect(captionsOf(first)).toHaveLength(9);
  expect(first.failed).toMatchObject([{ name: "4" }]);
  expect(first.failed[0]!.error).toMatch(/There is no image file at .*000000000004\.png/);
  rmSync(imageFile(4));
  writeFileSync(imageFile(4), "car");
  expect(captionsOf(await run())).toHaveLength(10);
});

test("numbers keep their zeros and their digits, in captions and in the ground truth", async () => {
  const images = join(folder, "numbers");
  mkdirSync(images);
  const truth = {
    "00042": ["cat"],
    "1234567890123456781": ["dog"],
    "1234567890123456789": ["bus"],
    "7": ["car"],
  };
  for (const [id, [noun]] of Object.entries(truth)) writeFileSync(join(images, `${id}.png`), noun!);
  const progress: number[] = [];
  const result = await run({
    ...{ images, ids: { count: 4, seed: 0 }, groundTruth: truth, batchSize: 1 },
    onProgress: ({ done }) => progress.push(done),
  });
  expect(new Set(captionsOf(result).map(({ image_id }) => image_id))).toEqual(
    new Set(["00042", 7, "1234567890123456781", "1234567890123456789"]),
  );
  expect(figuresOf(result)).toMatchObject({ CHAIRs: 0, Recall: 1 });
  expect(progress.at(-1)).toBe(4);
});

test("images without ground truth are named before anything is captioned", async () => {
  const { "3": _, "7": __, ...incomplete } = groundTruth;
  await expect(run({ groundTruth: incomplete })).rejects.toThrow(
    /2 image ids have no ground truth.*: (3, 7|7, 3)\./,
  );
  expect(existsSync(options.out!)).toBe(false);
});

test("the place of a list or a checkpoint is no part of a run's identity", async () => {
  const [list, copy] = ["a.txt", "b.txt"].map((name) => join(folder, name));
  for (const file of [list!, copy!]) writeFileSync(file, "2\n4\n");
  await run({ ids: list! });
  await expect(run({ ids: copy! })).resolves.toMatchObject({ failed: [] });
});

test("ids that are not in the folder are listed", async () => {
  const list = join(folder, "ids.txt");
  writeFileSync(list, "3\n77\n78\n");
  await expect(run({ ids: list })).rejects.toThrow("2 of the 3 images");
});

test("the same decoding has the same identity in an evaluation and in a sweep", async () => {
  const attention = aai({ alpha: 0.2 }); // its layers, [2, 4), are the model's to say
  await run({ attention });
  const out = join(folder, "sweep");
  const data = cocoCaptions({ images: options.images, ids: options.ids, groundTruth });
  await sweep({ model, data, metrics: [chair()], out, prompt: "caption", space: { attention: [attention] } });
  const [evaluated, swept] = [options.out!, out].map((one) => readExperiment(one).cells);
  expect(swept!.map(({ id }) => id)).toContain(evaluated![0]!.id);
});

test("a folder with several cells is not gone on with", async () => {
  const data = cocoCaptions({ images: options.images, ids: options.ids, groundTruth });
  await sweep({
    ...{ model, data, metrics: [chair()], out: options.out!, prompt: "caption" },
    space: { "attention.alpha": [0.2] },
  });
  await expect(run()).rejects.toThrow(/other settings[\s\S]*attention: /);
});

test("more images go on where fewer were asked for; fewer do not", async () => {
  await run({ ids: { count: 4, seed: 0 } });
  const first = samples();
  await run();
  expect(samples().startsWith(first)).toBe(true);
  await expect(run({ ids: { count: 4, seed: 0 } })).rejects.toThrow("6 of 10 answers are not asked for now");
});

test("several workers, one of which dies: every image is captioned once", async () => {
  const images = join(folder, "many"); // enough for two to share
  mkdirSync(images);
  for (let i = 1; i <= 40; i++) writeFileSync(join(images, `${i}.png`), nouns[i % nouns.length]!);
  const started: Worker[] = [];
  const start = async () => {
    const one = await fakeWorker();
    started.push(one);
    return one;
  };
  let killed = false;
  const result = await evaluate({
    data: cocoCaptions({ images, ids: { count: 40, seed: 0 } }),
    ...{ metrics: [], prompt: "caption", out: options.out!, batchSize: 1 },
    ...{ checkpoint: "ok", workers: [start, start] },
    onProgress: ({ done }) => {
      if (killed || done < 3) return;
      killed = true;
      process.kill(started[0]!.pid!, "SIGKILL");
    },
  });
  expect(started).toHaveLength(3);
  expect(captionsOf(result)).toHaveLength(40);
  expect(samples().trimEnd().split("\n")).toHaveLength(40);
});

test("aborted and called again, nothing is lost and nothing done twice", async () => {
  const controller = new AbortController();
  const cancelled = run({
    signal: controller.signal,
    onProgress: ({ done }) => done === 4 && controller.abort(),
  });
  await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
  await run();
  expect(samples().trimEnd().split("\n")).toHaveLength(10);
});

test("killed with SIGKILL at any moment and started again, a run ends as if nothing had happened", async () => {
  await run({ out: join(folder, "uninterrupted") });
  const script = `
    const { fakeWorker } = require("./test/support/fake_worker.ts");
    const { evaluate, cocoCaptions, chair, none, greedy } = require("./src/index.ts");
    (async () => {
      const worker = await fakeWorker();
      const { images, ids, groundTruth, ...rest } = ${JSON.stringify({ ...options, batchSize: 2 })};
      await evaluate({
        ...rest, model: await worker.load("ok"), data: cocoCaptions({ images, ids, groundTruth }), metrics: [chair()],
        search: greedy(), onProgress: ({ done }) => console.log(done),
      });
      await worker.close();
    })();`;
  const start = () =>
    execa("node", ["-r", "ts-node/register/transpile-only", "-e", script], {
      cwd: join(__dirname, "../.."),
      reject: false,
    });
  for (let kill = 1; kill <= 2; kill++) {
    const driver = start();
    await new Promise<void>((resolve) => {
      driver.stdout.on("data", (data: Buffer) => {
        const done = Number(String(data).trim().split("\n").at(-1));
        if (done >= 2 * kill) resolve();
      });
      driver.on("exit", () => resolve());
    });
    await sleep(7 * kill);
    driver.kill("SIGKILL");
    await driver;
  }
  const { exitCode } = await start();
  expect(exitCode).toBe(0);
  expect(samples()).toBe(samples(join(folder, "uninterrupted")));
});
