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
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import { aai, greedy, none } from "../../src/methods";
import { type ChairRunOptions, chairRun, readChairRun } from "../../src/runs";
import { fakeWorker } from "../support/fake_worker";

const nouns = ["cat", "dog", "bus", "car", "fork", "cup", "bed", "tie", "cake", "boat"];
const groundTruth = Object.fromEntries(nouns.map((noun, i) => [i + 1, i % 2 ? [noun] : ["person"]]));

let worker: Worker;
let model: Model;
let folder: string;
let options: ChairRunOptions & { out: string };
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
    template: "chat",
    attention: none,
    search: greedy(),
    batchSize: 3,
    retryFailed: false,
    out: join(folder, "run"),
    groundTruth,
  };
});

const samples = (out = options.out) => readFileSync(join(out, "samples.jsonl"), "utf8");

test("a run holds captions, scores and what it was made with", async () => {
  const progress: number[] = [];
  const { captions, score } = await chairRun(worker, model, {
    ...options,
    onProgress: (done) => progress.push(done),
  });
  expect(new Set(captions.map(({ image_id }) => image_id))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  expect(score!.overall_metrics.CHAIRs).toBe(0.5);
  expect(progress).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const run = JSON.parse(readFileSync(join(options.out, "run.json"), "utf8"));
  expect(run.settings).toMatchObject({
    prompt: "caption",
    images: { count: 10 },
    checkpoint: { fingerprint: "fake" },
  });
  expect(run.context.versions.node).toBe(process.versions.node);
  const metrics = JSON.parse(readFileSync(join(options.out, "metrics.json"), "utf8"));
  expect(metrics.overall.CHAIRs).toBe(0.5);
});

test("a run's captions say how they ended, for those who drop what was cut off", async () => {
  const { captions } = await chairRun(worker, model, options);
  expect(captions[0]!.finish_reason).toBe("stop");
  const lines = readFileSync(join(options.out, "captions.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).finish_reason)).toEqual(Array(10).fill("stop"));
});

test("a run keeps what is in its images, and only in those", async () => {
  await chairRun(worker, model, { ...options, groundTruth: { ...groundTruth, 99: ["zebra"] } });
  const kept = JSON.parse(readFileSync(join(options.out, "ground_truth.json"), "utf8"));
  expect(kept).toEqual(groundTruth);
});

test("what the checkpoint's generation_config.json does to logits is recorded, where it does anything", async () => {
  const asking = await worker.load("processors");
  await chairRun(worker, asking, options);
  await chairRun(worker, model, { ...options, out: join(folder, "plain") });
  const context = (out: string) => JSON.parse(readFileSync(join(out, "run.json"), "utf8")).context;
  expect(context(options.out).processors).toEqual({ repetition_penalty: 1.05 });
  expect(context(join(folder, "plain"))).not.toHaveProperty("processors");
});

test("another ground truth scores the same captions anew, and metrics.json tells which it was", async () => {
  const metrics = () => JSON.parse(readFileSync(join(options.out, "metrics.json"), "utf8"));
  await chairRun(worker, model, options);
  const first = [samples(), metrics()];
  await chairRun(worker, model, { ...options, groundTruth: { ...groundTruth, 99: ["cat"] } });
  expect([samples(), metrics()]).toEqual(first); // image 99 is none of the run's
  const { score } = await chairRun(worker, model, {
    ...options,
    groundTruth: { ...groundTruth, 1: ["cat"] },
  });
  expect(score!.overall_metrics.CHAIRs).toBe(0.4);
  expect(samples()).toBe(first[0]);
  expect(metrics().overall.CHAIRs).toBe(0.4);
  expect(metrics().groundTruth.sha256).not.toBe(first[1].groundTruth.sha256);
});

test("the batch size does not change the output", async () => {
  await chairRun(worker, model, options);
  await chairRun(worker, model, { ...options, batchSize: 7, out: join(folder, "other") });
  expect(samples(join(folder, "other"))).toBe(samples());
});

test("scores and intervals do not depend on which row ended first", async () => {
  await chairRun(worker, model, options);
  const other = join(folder, "other");
  cpSync(options.out, other, { recursive: true });
  const lines = samples().trimEnd().split("\n");
  writeFileSync(join(other, "samples.jsonl"), `${lines.reverse().join("\n")}\n`);
  const { captions, score } = readChairRun(options.out, options.groundTruth);
  expect(readChairRun(other, options.groundTruth)).toMatchObject({ captions, score });
});

test("the same command again does nothing twice", async () => {
  const start = (await worker.stats()).generatedTokens;
  await chairRun(worker, model, options);
  const before = (await worker.stats()).generatedTokens;
  expect(before).toBeGreaterThan(start);
  const first = samples();
  await chairRun(worker, model, options);
  expect(samples()).toBe(first);
  expect((await worker.stats()).generatedTokens).toBe(before);
});

test("changed settings are refused with what changed, other batch sizes are not", async () => {
  await chairRun(worker, model, options);
  const changed = { ...options, attention: aai({ alpha: 0.2 }), prompt: "caption it" };
  await expect(chairRun(worker, model, changed)).rejects.toThrow(
    /other settings[\s\S]*prompt: "caption" → "caption it"/,
  );
  await expect(chairRun(worker, model, { ...options, batchSize: 1 })).resolves.toBeDefined();
});

test("without a name the folder is named after the settings: the same command continues, another makes its own", async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    const folderOf = async (prompt: string) =>
      (await chairRun(worker, model, { ...options, prompt, out: undefined })).folder;
    const first = await folderOf("caption");
    expect(first).toMatch(/^runs.chair-[0-9a-f]{8}$/);
    expect(await folderOf("caption")).toBe(first);
    expect(await folderOf("caption it")).not.toBe(first);
  } finally {
    process.chdir(before);
  }
});

test("a last line that a crash cut short is mended", async () => {
  await chairRun(worker, model, options);
  const whole = samples();
  writeFileSync(join(options.out, "samples.jsonl"), whole.slice(0, -25));
  await chairRun(worker, model, options);
  expect(samples()).toBe(whole);
});

test("a broken line elsewhere is named", async () => {
  await chairRun(worker, model, options);
  appendFileSync(join(options.out, "samples.jsonl"), "nonsense\n");
  await expect(chairRun(worker, model, options)).rejects.toThrow(/samples.jsonl, line 11 is not JSON/);
});

test("a run of a newer version is refused", async () => {
  await chairRun(worker, model, options);
  const file = join(options.out, "run.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"format": 1', '"format": 2'));
  await expect(chairRun(worker, model, options)).rejects.toThrow("format 2, made by a newer version");
});

test("a failed image is recorded and done again only when asked", async () => {
  const broken = join(options.images, "COCO_val2014_000000000004.png");
  writeFileSync(broken, "broken");
  const { captions, failed } = await chairRun(worker, model, options);
  expect(captions).toHaveLength(9);
  expect(failed).toMatchObject([{ image_id: 4, error: "It is broken." }]);
  writeFileSync(broken, "car");
  expect((await chairRun(worker, model, options)).failed).toHaveLength(1);
  const again = await chairRun(worker, model, { ...options, retryFailed: true });
  expect(again.failed).toHaveLength(0);
  expect(again.captions).toHaveLength(10);
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
    const run = () => chairRun(worker, model, { ...options, out: undefined });
    const captionOf = ({ captions }: Awaited<ReturnType<typeof run>>, id: number) =>
      captions.find(({ image_id }) => image_id === id)!.caption;
    const first = await run();
    swap(imageFile(1), imageFile(2));
    const second = await run();
    expect(second.folder).not.toBe(first.folder);
    expect([captionOf(first, 1), captionOf(second, 1)]).toEqual(["There is a cat.", "There is a dog."]);
  } finally {
    process.chdir(before);
  }
});

test("a folder that was named is not continued with other pictures, also where it is half done", async () => {
  await chairRun(worker, model, options);
  const half = samples().trimEnd().split("\n").slice(0, 5);
  writeFileSync(join(options.out, "samples.jsonl"), `${half.join("\n")}\n`);
  const [done] = half.map((line) => JSON.parse(line).image_id);
  writeFileSync(imageFile(done), "fork and cup");
  await expect(chairRun(worker, model, options)).rejects.toThrow(
    new RegExp(`1 of 5 answers are about other pictures \\(${done}\\).*Name another folder with --out`),
  );
  expect(samples().trimEnd().split("\n")).toEqual(half);
});

test("pictures that were not answered about may change while a run rests", async () => {
  await chairRun(worker, model, options);
  const [first, ...rest] = samples().trimEnd().split("\n");
  writeFileSync(join(options.out, "samples.jsonl"), `${rest.join("\n")}\n`);
  const missing = JSON.parse(first!).image_id;
  writeFileSync(imageFile(missing), "sandwich");
  const { captions } = await chairRun(worker, model, options);
  expect(captions.find(({ image_id }) => image_id === missing)!.caption).toBe("There is a sandwich.");
});

test("the place of the images is no part of a run's identity, nor is a folder's other content", async () => {
  await chairRun(worker, model, options);
  const first = samples();
  const moved = join(folder, "moved");
  cpSync(options.images, moved, { recursive: true });
  writeFileSync(join(moved, "notes.txt"), "");
  await chairRun(worker, model, { ...options, images: moved });
  expect(samples()).toBe(first);
});

test("a link that leads nowhere is a failed image, the others are captioned", async () => {
  rmSync(imageFile(4));
  symlinkSync("/nowhere/4.png", imageFile(4));
  const { captions, failed } = await chairRun(worker, model, options);
  expect(captions).toHaveLength(9);
  expect(failed).toMatchObject([{ image_id: 4, code: "bad-image" }]);
  expect(failed[0]!.error).toMatch(/There is no image file at .*000000000004\.png/);
  rmSync(imageFile(4));
  writeFileSync(imageFile(4), "car");
  expect((await chairRun(worker, model, { ...options, retryFailed: true })).captions).toHaveLength(10);
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
  const { captions, score } = await chairRun(worker, model, {
    ...{ ...options, images, ids: { count: 4, seed: 0 }, groundTruth: truth, batchSize: 1 },
    onProgress: (done) => progress.push(done),
  });
  expect(new Set(captions.map(({ image_id }) => image_id))).toEqual(
    new Set(["00042", 7, "1234567890123456781", "1234567890123456789"]),
  );
  expect(score!.overall_metrics).toMatchObject({ CHAIRs: 0, Recall: 1 });
  expect(progress.at(-1)).toBe(4);
});

test("images without ground truth are named before anything is captioned", async () => {
  const { "3": _, "7": __, ...incomplete } = groundTruth;
  const run = chairRun(worker, model, { ...options, groundTruth: incomplete });
  await expect(run).rejects.toThrow(/2 image ids have no ground truth.*: (3, 7|7, 3)\./);
  expect(existsSync(options.out)).toBe(false);
});

test("the place of a list or a checkpoint is no part of a run's identity", async () => {
  const [list, copy] = ["a.txt", "b.txt"].map((name) => join(folder, name));
  for (const file of [list!, copy!]) writeFileSync(file, "2\n4\n");
  await chairRun(worker, model, { ...options, ids: list! });
  await expect(chairRun(worker, model, { ...options, ids: copy! })).resolves.toMatchObject({ failed: [] });
});

test("ids that are not in the folder are listed", async () => {
  const list = join(folder, "ids.txt");
  writeFileSync(list, "3\n77\n78\n");
  await expect(chairRun(worker, model, { ...options, ids: list })).rejects.toThrow("2 of the 3 images");
});

test("killed with SIGKILL at any moment and started again, a run ends as if nothing had happened", async () => {
  await chairRun(worker, model, { ...options, out: join(folder, "uninterrupted") });
  const script = `
    const { fakeWorker } = require("./test/support/fake_worker.ts");
    const { chairRun } = require("./src/runs");
    (async () => {
      const worker = await fakeWorker();
      const options = ${JSON.stringify({ ...options, batchSize: 2 })};
      await chairRun(worker, await worker.load("ok"), { ...options, onProgress: (done) => console.log(done) });
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
