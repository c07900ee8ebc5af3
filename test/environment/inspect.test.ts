import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { inspectCheckpoint } from "../../src/environment/inspect";
import { findPython } from "../../src/environment/python";

const folder = join(mkdtempSync(join(tmpdir(), "aai-inspect-")), "tiny");
let facts: Record<string, unknown>;

beforeAll(() => {
  const { stdout, stderr } = spawnSync(findPython().python, [join(__dirname, "tiny_llava.py"), folder], {
    encoding: "utf8",
  });
  expect(stdout, stderr).not.toBe("");
  facts = JSON.parse(stdout);
});

test("a checkpoint is what transformers says it is", async () => {
  expect(await inspectCheckpoint(folder)).toEqual({
    ...facts, // the prompt, its tokens, where the image sits, parameters: from transformers' processor and loaded model
    family: "llava",
    source: folder,
    layers: 2,
    crossLayers: [],
    heads: 4,
    kvHeads: 2,
    hiddenSize: 32,
    vocabularySize: 99,
    contextLength: 128,
    imageTokenId: 4,
    imageTokens: 16,
    dynamicImageTokens: false,
    visionTower: {
      className: "CLIPVisionModel",
      layers: 3,
      heads: 4,
      imageSize: 8,
      grid: [4, 4],
      hasCls: true,
      featureLayer: -2,
      referenceLayer: 2,
    },
    referenceShape: [4, 4],
    template: "chat",
    processors: {},
    unusedSettings: [],
    unusedWeights: [],
    templates: expect.arrayContaining(["chat", "vicuna_v1", "raw"]),
    dtypes: ["F32"],
    weightBytes: statSync(join(folder, "model.safetensors")).size,
  });
});

test("what generation_config.json does to logits is told", async () => {
  const file = join(folder, "generation_config.json");
  const before = readFileSync(file, "utf8");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(before), repetition_penalty: 1.05, temperature: 0.1 }));
  const { processors, unusedSettings } = await inspectCheckpoint(folder);
  writeFileSync(file, before);
  expect({ processors, unusedSettings }).toEqual({
    processors: { repetition_penalty: "1.05" },
    unusedSettings: ["temperature"],
  });
});

test("damaged weights are one sentence", async () => {
  truncateSync(join(folder, "model.safetensors"), 5000);
  const error = await inspectCheckpoint(folder).catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({
    name: "PythonQuestionError",
    message: expect.stringMatching(/^"[^"]+model\.safetensors" is damaged: .* again\.$/),
  });
});
