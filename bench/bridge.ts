/**
 * What the bridge costs, in one run: round trips, small events and arrays over ZeroMQ, against JSON lines over stdio and
 * against pythonia; and the real decode loop driven from TypeScript against the same loop called in Python.
 *
 *  npm run bench bridge
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { findPython } from "../src/environment/python";
import { greedy, startWorker } from "../src/index";
import { renderTable } from "../src/report/tables";
import { fakeWorker } from "../test/support/fake_worker";

const { python } = findPython();
const root = join(__dirname, "..");
const megabyte = 2 ** 20;

/** @param short a hundredth of everything: whether it runs, not what it tells */
export async function benchBridge(short: boolean): Promise<void> {
  const share = short ? 0.01 : 1;
  const rows = [await overZeromq(share), await overStdio(share), await overPythonia(share)];
  const columns = ["path", "round trip p50", "p99", "small events/s", "arrays MB/s"].map((name, c) => ({
    name,
    align: c === 0 ? ("left" as const) : ("right" as const),
  }));
  console.log(renderTable({ columns, rows }, "markdown"));
  console.log();
  console.log(await decodeLoop(short ? [1, 1] : [7, 16]));
}

async function overZeromq(share: number): Promise<string[]> {
  await using worker = await fakeWorker();
  const model = await worker.load("ok");
  const trips = await roundTrips(() => model.listHooks(), 3000 * share);
  const events = 100_000 * share;
  const small = await seconds(() => model.generate({ prompt: `tokens ${events}` }).result());
  const arrays = Math.ceil(512 * share); // of one MB, each with a token beside it
  const large = await seconds(async () => {
    for await (const _ of model.generate({ prompt: `flood ${arrays}` }));
  });
  return ["ZeroMQ (this package)", ...trips, thousands(events / small), thousands(arrays / large)];
}

/** A Python child that echoes JSON lines; arrays travel as base64. */
async function overStdio(share: number): Promise<string[]> {
  const script = `
import base64, json, sys
block = b"x" * ${megabyte}
for line in sys.stdin:
    kind, count = json.loads(line)
    for i in range(count):
        print(json.dumps({"step": i, "data": base64.b64encode(block).decode()} if kind == "array" else {"row": 0, "step": i, "id": i, "text": "x"}))
    sys.stdout.flush()
`;
  const child = spawn(python, ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (kind: string, count: number) => {
    child.stdin.write(`${JSON.stringify([kind, count])}\n`);
    for (let i = 0; i < count; i++) {
      const message = JSON.parse((await lines.next()).value);
      if (kind === "array") Buffer.from(message.data, "base64");
    }
  };
  const trips = await roundTrips(() => ask("event", 1), 3000 * share);
  const events = 100_000 * share;
  const small = await seconds(() => ask("event", events));
  const arrays = Math.ceil(64 * share);
  const large = await seconds(() => ask("array", arrays));
  child.stdin.end();
  return ["JSON lines over stdio", ...trips, thousands(events / small), thousands(arrays / large)];
}

async function overPythonia(share: number): Promise<string[]> {
  process.env.PYTHON_BIN = python;
  const { python: bridge } = await import("pythonia");
  try {
    const math = await bridge("math");
    const trips = await roundTrips(() => math.sqrt(2), 500 * share);
    const builtins = await bridge("builtins");
    const count = 131_072; // float64: one MB
    const list = await builtins.list(await builtins.range(count));
    const large = await seconds(() => list.valueOf());
    return ["pythonia", ...trips, "–", thousands(1 / large)];
  } finally {
    bridge.exit();
  }
}

/** The same prompts on the same random-weight model, from here and in Python alone. */
async function decodeLoop([repeats, layers]: [number, number]): Promise<string> {
  const direct = join(root, "bench", "direct.py");
  const env = { PYTHONPATH: join(root, "python") };
  const { stdout } = await execa(python, [direct, String(repeats), String(layers)], { env });
  const { checkpoint, image, prompt, perToken } = JSON.parse(stdout.split("\n").at(-1)!);
  await using worker = await startWorker();
  const model = await worker.load(checkpoint);
  const request = { image, prompt, search: greedy({ maxNewTokens: 64 }) };
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    let tokens = 0;
    const time = await seconds(async () => {
      for await (const event of model.generate(request)) if (event.type === "token") tokens++;
    });
    times.push((1000 * time) / tokens);
  }
  const driven = median(times);
  const overhead = 100 * (driven / perToken - 1);
  return `Decode loop: ${perToken.toFixed(2)} ms a token in Python alone, ${driven.toFixed(2)} ms driven from TypeScript (${overhead >= 0 ? "+" : ""}${overhead.toFixed(1)} %).`;
}

async function roundTrips(call: () => Promise<unknown>, count: number): Promise<[string, string]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await seconds(call));
  times.sort((a, b) => a - b);
  const at = (share: number) => `${(1e6 * times[Math.floor(share * count)]!).toFixed(0)} µs`;
  return [at(0.5), at(0.99)];
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const thousands = (value: number) => Math.round(value).toLocaleString("en");
