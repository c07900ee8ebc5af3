import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cocoCaptions, pope, popeQuestions } from "../../../src/benchmarks";
import { type Model, startWorker, type Worker } from "../../../src/client";
import { evaluate } from "../../../src/experiments/evaluate";
import { attestationOf, sumUp } from "../../../src/experiments/store/attestation";
import { readExperiment } from "../../../src/experiments/store/folder";
import { readRecords } from "../../../src/experiments/store/samples";
import { type Attention, aai, type Contrast, greedy, pai, vcd } from "../../../src/methods";

const demo = join(__dirname, "../../../demo");
const images = join(demo, "data/val2014");
const folder = mkdtempSync(join(tmpdir(), "attestation-"));

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await startWorker({ device: "cpu", threads: 1 });
  model = await worker.load(join(demo, "checkpoint"));
});
afterAll(async () => {
  await worker.close();
  rmSync(folder, { recursive: true });
});

const captioning = async (name: string, methods: { attention: Attention; contrast?: Contrast }) => {
  const data = cocoCaptions({ images, ids: { count: 4, seed: 3 } });
  const search = greedy({ maxNewTokens: 32 });
  const { experiment } = await evaluate({
    ...{ model, data, metrics: [], search, batchSize: 3, out: join(folder, name) },
    ...methods,
  });
  return experiment.cells[0]!;
};
const storedIn = (name: string) => readExperiment(join(folder, name)).cells[0]!.attestation;

test("a run's folder says what edits and contrast did", async () => {
  const attention = [aai({ alpha: 0.1, layers: [2, 5] }), pai({ alpha: 0.2, layers: [0, 2] })];
  const { attestation } = await captioning("both", { attention, contrast: vcd() });
  const lengths = [...readRecords(join(folder, "both")).values()].map(({ tokens }) => tokens as number);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const steps = lengths.reduce((sum, length) => sum + length);
  expect(attestation).toEqual({
    answers: 4,
    edits: [
      {
        ...{ method: "aai", rows: 4, rowsEdited: 4, layers: [[2, 5]], constantReferences: 0 },
        steps: { min: shortest - 6, max: longest - 6 },
      },
      {
        ...{ method: "pai", rows: 4, rowsEdited: 4, layers: [[0, 2]], constantReferences: 0 },
        steps: { min: shortest, max: longest },
      },
    ],
    contrasts: [{ method: "vcd", rows: 4, steps, changed: steps, overruled: expect.any(Number) }],
  });
  expect(storedIn("both")).toEqual(attestation);
});

test("rows of every session count; a session that ended early has told of each row it wrote", async () => {
  const whole = await captioning("whole", { attention: aai({ alpha: 0.1 }) });
  const samples = join(folder, "whole", "samples.jsonl");
  const lines = readFileSync(samples, "utf8").split("\n");
  writeFileSync(samples, `${lines.slice(0, 2).join("\n")}\n`);
  const resumed = await captioning("whole", { attention: aai({ alpha: 0.1 }) });
  expect(resumed.attestation).toEqual(whole.attestation);
  expect(storedIn("whole")).toEqual(whole.attestation);
  expect(readFileSync(samples, "utf8").split("\n").slice(0, 2)).toEqual(lines.slice(0, 2));

  const older = lines
    .slice(0, 2)
    .map((line) => JSON.stringify({ ...JSON.parse(line), attestation: undefined }));
  writeFileSync(samples, [...older, ...lines.slice(2)].join("\n"));
  const mixed = await captioning("whole", { attention: aai({ alpha: 0.1 }) });
  expect(mixed.attestation).toMatchObject({ answers: 4, edits: [{ method: "aai", rows: 2 }] });
});

test("answers shorter than the warm-up were not edited", async () => {
  const questions = join(folder, "coco_pope_random.json");
  const asked = { image: "COCO_val2014_000000001011.png", label: "no" };
  const lines = ["dog", "bus"].map((noun, i) =>
    JSON.stringify({ ...asked, question_id: i, text: `Is there a ${noun} in the image?` }),
  );
  writeFileSync(questions, lines.join("\n"));
  const { experiment, failed } = await evaluate({
    ...{ model, data: popeQuestions({ images, questions: [questions] }), metrics: [pope()] },
    ...{ attention: aai(), search: greedy({ maxNewTokens: 4 }), out: join(folder, "pope") },
  });
  const { attestation } = experiment.cells[0]!;
  expect(failed).toEqual([]);
  expect(attestation).toMatchObject({
    answers: 2,
    edits: [{ method: "aai", rows: 2, rowsEdited: 0, layers: [], steps: { min: 0, max: 0 } }],
  });
  expect(storedIn("pope")).toEqual(attestation);
});

test("sums: runs of layers are united, edits keep their places, failed rows do not count", () => {
  const edit = (method: string, layers: [number, number][], steps: number, constantReference = false) => ({
    ...{ method, layers, steps, constantReference },
  });
  const rows = [
    { edits: [edit("aai", [[0, 2]], 7, true), edit("aai", [[9, 10]], 0)] },
    {
      edits: [
        edit(
          "aai",
          [
            [2, 3],
            [5, 6],
          ],
          10,
        ),
        edit("aai", [], 0),
      ],
    },
  ];
  const { edits, contrasts } = sumUp(rows);
  expect(edits).toEqual([
    {
      ...{
        method: "aai",
        rows: 2,
        rowsEdited: 2,
        layers: [
          [0, 3],
          [5, 6],
        ],
      },
      ...{ steps: { min: 7, max: 10 }, constantReferences: 1 },
    },
    {
      ...{ method: "aai", rows: 2, rowsEdited: 0, layers: [[9, 10]] },
      ...{ steps: { min: 0, max: 0 }, constantReferences: 0 },
    },
  ]);
  expect(contrasts).toEqual([]);
  const records = [
    { key: "a", status: "done" as const, attestation: rows[0]! },
    { key: "b", status: "done" as const },
    { key: "c", status: "failed" as const },
  ];
  expect(attestationOf(records)).toMatchObject({ answers: 2, edits: [{ rows: 1 }, { rows: 1 }] });
});
