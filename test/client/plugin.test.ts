import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  aai,
  cocoCaptions,
  evaluate,
  greedy,
  type Model,
  m3id,
  none,
  type Plugin,
  pai,
  startWorker,
  type Worker,
} from "../../src/index";

const root = join(__dirname, "../..");
const images = join(root, "demo/data/val2014");
const [image, other] = readdirSync(images)
  .sort()
  .map((name) => join(images, name)) as [string, string];
const prompt = "Please describe this image in detail.";
const search = greedy({ maxNewTokens: 16 });
const folder = mkdtempSync(join(tmpdir(), "plugin-"));

let worker: Worker;
let model: Model;
let plugin: Plugin;
beforeAll(async () => {
  worker = await startWorker({ device: "cpu", threads: 1 });
  model = await worker.load(join(root, "demo/checkpoint"));
  plugin = await worker.loadPlugin(join(root, "python/tests/own_methods.py"));
});
afterAll(async () => {
  await worker.close();
  rmSync(folder, { recursive: true });
});

async function load(file: string, name: string) {
  const loaded = await worker.loadPlugin(file);
  return { sha256: loaded.sha256, attention: loaded.attention(name, { alpha: 0.1 }) };
}

test("a file that cannot be read is a sentence, and no worker is asked", async () => {
  const missing = worker.loadPlugin(join(folder, "no.py"));
  await expect(missing).rejects.toThrow(
    /^The plug-in file .*no\.py cannot be read: there is no such file\.$/,
  );
  await expect(worker.loadPlugin(folder)).rejects.toThrow("cannot be read: it is a folder.");
});

test("the file is told by what it declares", () => {
  expect(plugin.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(plugin.declarations[0]).toEqual({
    axis: "attention",
    name: "own_pai",
    summary: "x + alpha * |x|, as PAI.",
    parameters: [{ name: "alpha", type: "float", choices: [], default: 0.5 }],
    takesReference: false,
    stream: "none",
  });
});

test("PAI and AAI written once more are PAI and AAI: tokens, maps, attestation", async () => {
  const requests = (edits: [Parameters<Model["installHook"]>[0], Parameters<Model["installHook"]>[0]]) => [
    { image, prompt, attention: edits[0] },
    { image: other, prompt, attention: edits[1] },
    { image, prompt, attention: none },
  ];
  const layers = [2, 6] as const;
  const own = [
    plugin.attention("own_pai", { alpha: 0.4 }),
    plugin.attention("own_aai", { alpha: 0.2, warmup: 5, layers }),
  ] as const;
  const builtIn = [pai({ alpha: 0.4 }), aai({ alpha: 0.2, layers })] as const;
  const options = { search, capture: { heads: "all", keys: "all", dtype: "float32" } } as const;
  const mine = await model.generateBatch(requests([...own]), options).result();
  const theirs = await model.generateBatch(requests([...builtIn]), options).result();
  expect(mine.rows).toEqual(theirs.rows);
  const renamed = mine.attestation.map((proof) => ({ ...proof, method: proof.method.replace("own_", "") }));
  expect(renamed).toEqual(theirs.attestation);
});

test("as a hook it is listed by its name, with its values and its file's hash", async () => {
  const hook = await model.installHook(plugin.attention("own_pai", { alpha: 0.4 }));
  expect(await model.listHooks()).toMatchObject([
    {
      id: hook.id,
      method: "own_pai",
      parameters: { values: { alpha: 0.4 }, sha256: plugin.sha256, layers: [2, 6] },
    },
  ]);
  const hooked = await model.generate({ image, prompt, search }).result();
  await hook.remove();
  const declared = await model.generate({ image, prompt, search, attention: pai({ alpha: 0.4 }) }).result();
  expect(hooked.tokenIds).toEqual(declared.tokenIds);
  expect(hooked.attestation).toMatchObject([{ method: "own_pai", hook: hook.id }]);
});

test("M3ID written once more is M3ID; what a contrast did is attested row by row", async () => {
  const rows = [
    { image, prompt },
    { image: other, prompt },
  ];
  const own = plugin.contrast("own_m3id", { decay: 0.1 });
  const mine = await model.generateBatch(rows, { search, contrast: own }).result();
  const theirs = await model.generateBatch(rows, { search, contrast: m3id({ decay: 0.1 }) }).result();
  expect(mine.rows).toEqual(theirs.rows);
  expect(mine.contrasts).toMatchObject([
    { row: 0, method: "own_m3id", secondStream: true },
    { row: 1, method: "own_m3id", secondStream: true },
  ]);
  for (const [index, row] of mine.rows.entries())
    expect(mine.contrasts[index]!.steps).toBe(row.status === "done" && row.tokenIds.length);
  expect(mine.contrasts).toEqual(theirs.contrasts.map((proof) => ({ ...proof, method: "own_m3id" })));
  expect((await model.generate({ image, prompt, search }).result()).contrasts).toEqual([]);
});

test("a method that fails is a sentence with its line, and the worker goes on", async () => {
  const file = join(folder, "bad.py");
  const code = "from aai_worker.plugins import attention\n@attention\ndef bad(x): return x.no_such()\n";
  writeFileSync(file, code);
  const bad = (await worker.loadPlugin(file)).attention("bad");
  await expect(model.generate({ image, prompt, search, attention: bad }).result()).rejects.toThrow(
    `bad of ${file} raised AttributeError: 'Tensor' object has no attribute 'no_such', in line 3 (def bad(x): return`,
  );
  await expect(worker.loadPlugin(join(folder, "none.py"))).rejects.toThrow("none.py cannot be read");
  await expect(model.generate({ image, prompt, search }).result()).resolves.toBeDefined();
});

test("a worker started with a file knows its methods; those of a file it has not loaded are refused", async () => {
  const file = join(root, "python/tests/own_methods.py");
  await using second = await startWorker({ device: "cpu", threads: 1, plugins: [file] });
  expect(second.plugins.map(({ sha256 }) => sha256)).toEqual([plugin.sha256]);
  const copy = await second.load(join(root, "demo/checkpoint"));
  const request = { image, prompt, search, attention: plugin.attention("own_pai", { alpha: 0.4 }) };
  const { tokenIds } = await copy.generate(request).result();
  expect(tokenIds).toEqual((await model.generate(request).result()).tokenIds);
  const { attention: other } = await load(join(root, "scripts/own_method.py"), "focus");
  await expect(copy.generate({ image, prompt, attention: other }).result()).rejects.toThrow(
    'has not loaded a plug-in file that declares the attention "focus"; every worker needs loadPlugin of its own.',
  );

  const broken = join(folder, "broken.py");
  writeFileSync(broken, "import no_such_module\n");
  await expect(startWorker({ device: "cpu", plugins: [broken] })).rejects.toThrow(
    "in line 1 (import no_such_module): ModuleNotFoundError",
  );
});

test("a run is one with the file that it used: another version is another run", async () => {
  const file = join(folder, "mine.py");
  const run = async (code: string) => {
    writeFileSync(file, code);
    const { sha256, ...methods } = await load(file, "one");
    const out = join(folder, "run");
    const data = cocoCaptions({ images, ids: { count: 1, seed: 0 } });
    const { experiment } = await evaluate({ model, data, metrics: [], prompt, search, ...methods, out });
    return { sha256, decoding: experiment.cells[0]!.decoding };
  };
  const code = readFileSync(join(root, "scripts/own_method.py"), "utf8")
    .replaceAll("focus", "one")
    .replaceAll("doubt", "another");
  const { sha256, decoding } = await run(code);
  expect(decoding.attention).toMatchObject([
    { parameters: { name: "one", sha256, values: { alpha: 0.1, fade: 20 } } },
  ]);
  await expect(run(`${code}# a change\n`)).rejects.toThrow(/attention: .*sha256/);
  await expect(run(code)).resolves.toBeDefined();
});
