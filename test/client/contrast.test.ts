import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deco, dola, greedy, type Model, startWorker, vcd, type Worker } from "../../src/index";
import { ParameterError } from "../../src/methods";

const demo = join(__dirname, "../../demo");
const image = join(demo, "data/val2014", readdirSync(join(demo, "data/val2014")).sort()[0]!);
const request = {
  image,
  prompt: "Please describe this image in detail.",
  search: greedy({ maxNewTokens: 12 }),
};

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await startWorker({ device: "cpu", threads: 1 });
  model = await worker.load(join(demo, "checkpoint"));
});
afterAll(() => worker.close());

test("a contrast without weight writes what none writes; what the model decides is filled in", async () => {
  const plain = await model.generate(request).result();
  const neutral = await model.generate({ ...request, contrast: vcd({ alpha: 0, beta: 0 }) }).result();
  expect(neutral.tokenIds).toEqual(plain.tokenIds);
  const steps = neutral.tokenIds.length;
  expect(neutral.contrasts).toEqual([
    { row: 0, method: "vcd", secondStream: true, steps, changed: 0, overruled: 0 },
  ]);
  const { contrasts } = await model.generate({ ...request, contrast: vcd() }).result();
  expect(contrasts).toMatchObject([{ steps, changed: steps }]);
  const layers = await model.generate({ ...request, contrast: dola() }).result();
  expect(layers.tokenIds).toHaveLength(12);
});

test("what cannot be is refused before anything runs", async () => {
  await expect(model.generate({ ...request, contrast: deco() }).result()).rejects.toThrow(ParameterError);
  const { image: _, ...question } = request;
  await expect(model.generate({ ...question, contrast: vcd() }).result()).rejects.toThrow(
    "vcd contrasts with a worse view of the image, but a row has no image.",
  );
});
