import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import { greedy, none } from "../../src/methods";
import { type PopeRunOptions, popeRun } from "../../src/runs";
import { fakeWorker } from "../support/fake_worker";

let worker: Worker;
let model: Model;
let folder: string;
let options: PopeRunOptions & { out: string };
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
  folder = mkdtempSync(join(tmpdir(), "pope-"));
  folders.push(folder);
  mkdirSync(join(folder, "images"));
  put("images/a.png", "cat");
  put("images/b.png", "dog");
  options = {
    images: join(folder, "images"),
    questions: [questions("coco_pope_random.json", "a.png"), questions("gqa_pope_seem_random.json", "b.png")],
    suffix: "",
    likelihood: false,
    template: "chat",
    attention: none,
    search: greedy(),
    batchSize: 2,
    retryFailed: false,
    out: join(folder, "run"),
    rule: "opera",
  };
});

function put(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** Two questions about an image, their ids from 1 as in every data set; the fake model says yes to all. */
function questions(name: string, image: string): string {
  const lines = ["yes", "no"].map((label, i) =>
    JSON.stringify({ question_id: i + 1, image, text: `caption ${image} ${i}`, label }),
  );
  return put(name, lines.join("\n"));
}

const run = (changes: Partial<PopeRunOptions> = {}) => popeRun(worker, model, { ...options, ...changes });
const records = () =>
  readFileSync(join(options.out, "samples.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("two question files of one split: every answer is recorded and scored, and found again", async () => {
  const progress: [number, number][] = [];
  const { result, failed } = await run({ onProgress: (done, total) => progress.push([done, total]) });
  expect(result!.answers).toHaveLength(4);
  expect(result!.metrics).toMatchObject({ "random accuracy": 0.5, "random yesRatio": 1 });
  expect(failed).toEqual([]);
  expect(progress.at(-1)).toEqual([4, 4]);
  expect(records().map(({ key }) => key)).toEqual(["random 1", "random 2", "random#2 1", "random#2 2"]);
  expect((await run()).result).toEqual(result);
  expect(records()).toHaveLength(4);
});

test("a question file given twice is refused before anything is asked", async () => {
  const [first] = options.questions;
  await expect(run({ questions: [first!, first!] })).rejects.toThrow("have the same content; give it once");
});

test("questions count by what they say, not by where they lie", async () => {
  const [first] = options.questions;
  await run({ questions: [first!] });
  mkdirSync(join(folder, "elsewhere"));
  const copy = put("elsewhere/coco_pope_random.json", readFileSync(first!, "utf8"));
  await run({ questions: [copy] });
  expect(records()).toHaveLength(2);
  writeFileSync(first!, readFileSync(first!, "utf8").replace("caption a.png 1", "caption a.png, please"));
  await expect(run({ questions: [first!] })).rejects.toThrow(/other settings[\s\S]*questions/);
});

test("other pictures under the same names are not what was asked about", async () => {
  await run();
  put("images/a.png", "horse");
  await expect(run()).rejects.toThrow("2 of 4 answers are about other pictures (random 1, random 2)");
  expect((await run({ out: join(folder, "other") })).result!.answers.map(({ answer }) => answer)).toContain(
    "There is a horse.",
  );
});

test("an image that cannot be read fails its own questions", async () => {
  rmSync(join(folder, "images/b.png"));
  symlinkSync("/nowhere", join(folder, "images/b.png"));
  const { result, failed } = await run();
  expect(result!.answers).toHaveLength(2);
  expect(failed.map(({ key }) => key)).toEqual(["random#2 1", "random#2 2"]);
});

test("answers that belong to no question of the run are not scored", async () => {
  await run();
  const file = join(options.out, "samples.jsonl");
  writeFileSync(file, readFileSync(file, "utf8").replace('"key":"random 2"', '"key":"random 9"'));
  await expect(run()).rejects.toThrow("1 of 4 answers are not asked for now (random 9)");
});
