import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aai, beam, greedy, type Model, opera, sample, startWorker, vcd, type Worker } from "../../src/index";

const demo = join(__dirname, "../../demo");
const images = readdirSync(join(demo, "data/val2014"))
  .sort()
  .slice(0, 3)
  .map((name) => join(demo, "data/val2014", name));
const prompt = "Please describe this image in detail.";
const maxNewTokens = 16;

let worker: Worker;
let model: Model;
beforeAll(async () => {
  worker = await startWorker({ device: "cpu", threads: 1 });
  model = await worker.load(join(demo, "checkpoint"));
});
afterAll(() => worker.close());

const ways = [
  { search: greedy({ maxNewTokens }) },
  { search: sample({ maxNewTokens, seed: 3 }) },
  { search: beam({ maxNewTokens, numBeams: 3 }), attention: aai({ alpha: 0.1, layers: [2, 6] }) },
  { search: greedy({ maxNewTokens }), contrast: vcd() },
  { search: opera({ maxNewTokens, numBeams: 2, numAttnCandidates: 3 }) },
];
const requests = images.flatMap((image) => ways.map((way) => ({ image, prompt, ...way })));

test("each row has its own search and contrast, as if it were alone", async () => {
  const { rows } = await model.generateBatch(requests, { batchSize: 8 }).result();
  expect(rows.map(({ row }) => row)).toEqual(requests.map((_, index) => index));
  for (const [index, request] of requests.entries()) {
    const alone = await model.generate(request).result();
    expect(rows[index]).toMatchObject({ status: "done", text: alone.text, tokenIds: alone.tokenIds });
  }
});

test("without stream no token comes, and a row as soon as it is written", async () => {
  const events = [];
  for await (const event of model.generateBatch(requests.slice(0, 3), { stream: false, batchSize: 1 }))
    events.push(event.type);
  expect(events.filter((type) => type !== "prefilled")).toEqual(["row", "row", "attested", "row", "done"]);
  const { rows } = await model.generateBatch(requests.slice(0, 3)).result();
  const whole = await model.generateBatch(requests.slice(0, 3), { stream: false }).result();
  expect(whole.rows).toEqual(rows);
});
