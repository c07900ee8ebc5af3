import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { pope, popeQuestions } from "../../src/benchmarks";
import type { ScoredAnswer } from "../../src/benchmarks/pope/scored_answer";
import type { Model } from "../../src/client/model";
import type { Worker } from "../../src/client/worker";
import { evaluate } from "../../src/experiments/evaluate";
import type { ExperimentResult } from "../../src/experiments/result/result";
import { greedy } from "../../src/methods";
import { fakeWorker } from "../support/fake_worker";

let worker: Worker;
let model: Model;
let folder: string;
let options: Options;
interface Options {
  images: string;
  questions: readonly string[];
  out: string;
  onProgress?(progress: { done: number; total: number }): void;
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
  folder = mkdtempSync(join(tmpdir(), "pope-"));
  folders.push(folder);
  mkdirSync(join(folder, "images"));
  put("images/a.png", "cat");
  put("images/b.png", "dog");
  options = {
    images: join(folder, "images"),
    questions: [questions("coco_pope_random.json", "a.png"), questions("gqa_pope_seem_random.json", "b.png")],
    out: join(folder, "run"),
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

const run = async (changes: Partial<Options> = {}) => {
  const { images, questions, ...rest } = { ...options, ...changes };
  const data = popeQuestions({ images, questions });
  return evaluate({ ...rest, model, data, metrics: [pope()], search: greedy(), batchSize: 2 });
};
const resultOf = ({ metrics }: ExperimentResult) => metrics[0]!.cells[0]!;
const answersOf = (result: ExperimentResult) =>
  result.metrics[0]!.partsOf(resultOf(result).cell) as ScoredAnswer[];
const records = () =>
  readFileSync(join(options.out, "samples.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("two question files of one split: every answer is recorded and scored, and found again", async () => {
  const progress: [number, number][] = [];
  const result = await run({ onProgress: ({ done, total }) => progress.push([done, total]) });
  expect(answersOf(result)).toHaveLength(4);
  expect(resultOf(result).figures).toMatchObject({ "random accuracy": 0.5, "random yesRatio": 1 });
  expect(result.failed).toEqual([]);
  expect(progress.at(-1)).toEqual([4, 4]);
  expect(new Set(records().map(({ key }) => key)).size).toBe(4);
  expect(result.experiment.items.map(({ name }) => name.split(" ", 2).join(" "))).toEqual([
    "random 1",
    "random 2",
    "random#2 1",
    "random#2 2",
  ]);
  expect(resultOf(await run())).toEqual(resultOf(result));
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
  await expect(run({ questions: [first!] })).rejects.toThrow(
    "1 of 2 answers are not asked for now (random 2 caption a.png 1)",
  );
});

test("other pictures under the same names are not what was asked about", async () => {
  await run();
  put("images/a.png", "horse");
  await expect(run()).rejects.toThrow(/2 of 4 answers are about other pictures \(random 1 .*, random 2 .*\)/);
  expect(answersOf(await run({ out: join(folder, "other") })).map(({ answer }) => answer)).toContain(
    "There is a horse.",
  );
});

test("an image that cannot be read fails its own questions", async () => {
  rmSync(join(folder, "images/b.png"));
  symlinkSync("/nowhere", join(folder, "images/b.png"));
  const result = await run();
  expect(answersOf(result)).toHaveLength(2);
  expect(result.failed.map(({ name }) => name)).toEqual([
    "random#2 1 caption b.png 0",
    "random#2 2 caption b.png 1",
  ]);
});

test("answers that belong to no question are not scored", async () => {
  await run();
  const file = join(options.out, "samples.jsonl");
  const [first, ...others] = readFileSync(file, "utf8").trimEnd().split("\n");
  const { key, item, ...record } = JSON.parse(first!);
  const strange = JSON.stringify({ ...record, key: key.replace(item, "strange"), item: "strange" });
  writeFileSync(file, `${[strange, ...others].join("\n")}\n`);
  await expect(run()).rejects.toThrow("1 of 4 answers are not asked for now (strange)");
});
