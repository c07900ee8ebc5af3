import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  aai,
  greedy,
  type Model,
  none,
  startWorker,
  toFloat32,
  type Worker,
  WorkerError,
} from "../../src/index";
import { ParameterError } from "../../src/methods";

const demo = join(__dirname, "../../demo");
const images = readdirSync(join(demo, "data/val2014"))
  .sort()
  .map((name) => join(demo, "data/val2014", name));
const [image, other] = images as [string, string];
const prompt = "Please describe this image in detail.";
const search = greedy({ maxNewTokens: 24 });

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await startWorker({ device: "cpu", threads: 1 });
  model = await worker.load(join(demo, "checkpoint"));
});
afterAll(() => worker.close());

const sentence = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("it succeeded"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(WorkerError);
      expect((error as WorkerError).traceback).toBe("");
      return (error as WorkerError).message;
    },
  );

test("a path, a buffer and a data URL are the same image", async () => {
  const bytes = readFileSync(image);
  const inputs = [image, bytes, `data:image/png;base64,${bytes.toString("base64")}`];
  const { rows } = await model
    .generateBatch(
      inputs.map((one) => ({ image: one, prompt })),
      { search },
    )
    .result();
  const texts = rows.map((row) => (row.status === "done" ? row.text : row.error));
  expect(texts[1]).toBe(texts[0]);
  expect(texts[2]).toBe(texts[0]);
  expect(texts[0]).not.toBe("");
});

test("extractVision brings the reference, its grid, and the picture", async () => {
  const reference = await model.extractVision(image);
  expect(reference.values).toHaveLength(64);
  expect(reference.grid).toMatchObject({ shape: [8, 8], axes: ["row", "column"], dtype: "float32" });
  expect(reference.picture).toMatchObject({ shape: [96, 96, 3], dtype: "uint8" });
  expect(reference.constant).toBe(false);
  const mean = reference.values.reduce((sum, value) => sum + value) / 64;
  expect(reference.mean).toBeCloseTo(mean, 5);
  const corrected = await model.extractVision(image, { mode: "corrected" });
  expect(corrected.mean).toBeCloseTo(1, 4); // every patch hands out one in total
});

test("llamaModify is the hook that attention: aai() describes, and goes without a trace", async () => {
  const plain = await model.generate({ image, prompt, search, capture: {} }).result();
  const declared = await model
    .generate({ image, prompt, search, attention: aai({ alpha: 0.5, layers: [2, 6] }) })
    .result();
  const visRef = await model.extractVision(image);
  const hook = await model.llamaModify({
    startLayer: 2,
    endLayer: 6,
    alpha: 0.5,
    beta: 1,
    imgStartIdx: 4,
    imgEndIdx: 68,
    visRef,
  });
  expect(await model.listHooks()).toMatchObject([{ id: hook.id, method: "aai", parameters: { alpha: 0.5 } }]);
  const hooked = await model.generate({ image, prompt, search }).result();
  expect(hooked.tokenIds).toEqual(declared.tokenIds);
  expect(hooked.attestation).toMatchObject([{ hook: hook.id, layers: [2, 3, 4, 5] }]);
  const explicit = await model.generate({ image, prompt, search, attention: none }).result();
  expect(explicit.tokenIds).toEqual(plain.tokenIds);

  await hook.remove();
  await hook.remove();
  expect(await model.listHooks()).toEqual([]);
  const after = await model.generate({ image, prompt, search, capture: {} }).result();
  expect(after.tokenIds).toEqual(plain.tokenIds);
  expect(after.attention.map(({ map }) => map.data)).toEqual(plain.attention.map(({ map }) => map.data));
  expect(await model.llamaModify({ startLayer: 2, endLayer: 6, useAai: false, alpha: 1 })).toMatchObject({
    id: undefined,
  });
});

test("the attestation counts layers, steps and rows", async () => {
  const { attestation, rows } = await model
    .generateBatch(
      [
        { image, prompt, attention: aai({ alpha: 0.1, layers: [1, 4], warmup: 5 }) },
        { image, prompt, attention: none },
        { image: other, prompt, attention: aai({ alpha: 0.1, warmup: -1 }) },
      ],
      { search },
    )
    .result();
  const steps = rows.map((row) => (row.status === "done" ? row.tokenIds.length : 0));
  expect(attestation.map(({ row }) => row)).toEqual([0, 2]);
  // The step that chose token n (from 0) fed n generated tokens: edited for n > warm-up.
  expect(attestation[0]).toMatchObject({
    layers: [1, 2, 3],
    steps: steps[0]! - 6,
    applications: 3 * (steps[0]! - 6),
  });
  expect(attestation[1]).toMatchObject({ layers: [2, 3, 4, 5], steps: steps[2]! });
});

test("what was done to a row is told before the row is, and nothing of a plain one", async () => {
  const rows = [
    { image, prompt, attention: none },
    { image, prompt, attention: aai({ alpha: 0.1 }) },
  ];
  const told: string[] = [];
  for await (const event of model.generateBatch(rows, { search, stream: false })) {
    if (event.type === "attested" || event.type === "row") told.push(`${event.type} ${event.row}`);
    if (event.type === "attested")
      expect(event).toMatchObject({ edits: [{ method: "aai" }], contrast: null });
  }
  expect(told).toHaveLength(3);
  expect(told).toContain("row 0");
  expect(told.indexOf("row 1")).toBe(told.indexOf("attested 1") + 1);
});

test("captured maps are shares of attention with named axes", async () => {
  const { attention, tokenIds, keyRanges } = await model
    .generate({
      image,
      prompt,
      search,
      attention: none,
      capture: { layers: [0, 5], heads: "all", keys: "all", dtype: "float32" },
    })
    .result();
  expect(attention).toHaveLength(tokenIds.length);
  const [start, end] = keyRanges[0]!;
  expect(end - start).toBe(64);
  const { map, layers } = attention[0]!;
  expect(layers).toEqual([0, 5]);
  expect(map.axes).toEqual(["layer", "head", "key"]);
  const keys = map.shape[2]!;
  const values = toFloat32(map);
  const sum = values.subarray(0, keys).reduce((total, value) => total + value);
  expect(sum).toBeCloseTo(1, 5);

  const half = await model
    .generate({ image, prompt, search, attention: none, capture: { layers: [0, 5], heads: "all" } })
    .result();
  expect(half.attention[0]!.map).toMatchObject({ dtype: "float16", shape: [2, 4, 64] });
  expect(toFloat32(half.attention[0]!.map)[7]).toBeCloseTo(values[start + 7]!, 3);
});

test("captured words only", async () => {
  const { text } = await model.generate({ image, prompt, search }).result();
  const word = text.split(/\W+/).find((one) => one.length > 3)!;
  const { attention } = await model
    .generate({ image, prompt, search, capture: { words: [word.toUpperCase()] } })
    .result();
  expect(attention.length).toBeGreaterThan(0);
  expect(attention.every((event) => event.word === word.toLowerCase())).toBe(true);
});

test("a batch with one bad image finishes the others and says which failed", async () => {
  const truncated = readFileSync(image).subarray(0, 300);
  const { rows } = await model
    .generateBatch(
      [
        { image, prompt },
        { image: truncated, prompt },
        { image: other, prompt },
      ],
      { search },
    )
    .result();
  expect(rows.map(({ status }) => status)).toEqual(["done", "failed", "done"]);
  expect(rows[1]).toMatchObject({ error: { code: "bad-image" } });
});

test.each([
  ["keys outside the prompt", { imageKeys: [60, 900] }, "do not lie in the prompt"],
  ["too few keys", { imageKeys: [4, 10] }, "must agree"],
  ["a reference of another length", { reference: new Float32Array(10).fill(1) }, "10 values"],
] as const)("%s is refused before anything runs", async (_, options, part) => {
  const run = model.generate({ image, prompt, attention: aai(options as Parameters<typeof aai>[0]), search });
  expect(await sentence(run.result())).toContain(part);
});

test.each([
  [3, 3],
  [2, 40],
] as const)("layers [%d, %d) are refused before the worker is asked", async (start, end) => {
  const run = model.generate({ image, prompt, attention: aai({ layers: [start, end] }), search });
  await expect(run.result()).rejects.toThrow(ParameterError);
});

test("no image to act on, an empty prompt, a long prompt, a template that is not there: a sentence each", async () => {
  expect(
    await sentence(
      model.generate({ prompt: "Hello.", template: "plain", attention: aai(), search }).result(),
    ),
  ).toContain("image");
  expect(await sentence(model.generate({ image, prompt: "  ", search }).result())).toMatch(/empty/i);
  expect(await sentence(model.generate({ image, prompt: "word ".repeat(2000), search }).result())).toContain(
    "context",
  );
  expect(await sentence(model.generate({ image, prompt, template: "nope", search }).result())).toContain(
    "nope",
  );
  expect(
    await sentence(model.generate({ image, prompt: "no place for it", template: "raw", search }).result()),
  ).toContain("<image>");
  expect(() => aai({ alpha: Number.NaN })).toThrow("alpha is NaN");
  expect(() => greedy({ maxNewTokens: 0 })).toThrow("maxNewTokens is 0");
});

test("probes bring the logits of the first step: the likelier word is the one that greedy search writes", async () => {
  const question = "Is there a dog in the image?";
  const wordings = ["Yes", " Yes", "No", " No"]; // the tokenizer may begin a word with its space
  const { probes, text } = await model
    .generate({ image, prompt: question, search: greedy({ maxNewTokens: 1 }), probes: wordings })
    .result();
  expect(probes).toHaveLength(4);
  const likeliest = wordings[probes.indexOf(Math.max(...probes))]!;
  expect(text.trim()).toBe(likeliest.trim());
});

test("checkpoints that are none", async () => {
  expect(await sentence(worker.load("/nowhere/at/all"))).toContain("/nowhere/at/all");
  expect(await sentence(worker.load(__dirname))).toContain("no checkpoint");
  expect(await sentence(worker.load("no-such/model", { offline: true }))).toContain("no-such/model");
  expect(await sentence(worker.load(join(demo, "checkpoint"), { deviceMap: "auto" }))).toContain(
    'deviceMap "auto" spreads a model over CUDA GPUs',
  );
});

test("after unload the model is gone, and says so", async () => {
  const second = await worker.load(join(demo, "checkpoint"));
  await second.unload();
  expect(await sentence(second.generate({ image, prompt, search }).result())).toContain("m");
  await expect(model.generate({ image, prompt, search }).result()).resolves.toBeDefined();
});
