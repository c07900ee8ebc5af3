import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  attentions,
  contrasts,
  methods,
  resolveAttention,
  resolveContrast,
  searches,
} from "../../src/methods/registry";
import { AttentionParameters, ContrastParameters, SearchParameters } from "../../src/protocol/parameters";

test("a method is exported under its own name, and its message is in the protocol", () => {
  const unions = [AttentionParameters, ContrastParameters, SearchParameters];
  const schemas: unknown[] = unions.flatMap(({ options }) => [...options]);
  for (const table of [attentions, contrasts, searches]) {
    for (const [name, { method }] of Object.entries(table)) {
      expect(method.name).toBe(name);
      expect(schemas).toContain(method.schema);
    }
  }
});

test("every parameter says what it means and what it is by default, and its default is one that it takes", () => {
  for (const { name, parameters, create } of methods) {
    expect(create({})).toMatchObject({ method: name });
    for (const { meaning, shown } of Object.values(parameters)) {
      expect(meaning).not.toBe("");
      expect(shown).not.toBe("");
    }
  }
});

test("a default that waits for the model is told in words", () => {
  const { parameters } = methods.find(({ name }) => name === "pai")!;
  expect(Object.entries(parameters).map(([name, { shown }]) => [name, shown])).toEqual([
    ["alpha", "llava 0.5, shikra 0.6, minigpt4 0.2, others 0.2"],
    ["layers", "from layer 2 to the last"],
    ["warmup", "-1"],
    ["imageKeys", "by the token ids"],
  ]);
});

test("a parameter that a method has not is refused with those it has", () => {
  const { create } = methods.find(({ name }) => name === "vcd")!;
  expect(() => create({ gamma: 1 } as never)).toThrow(
    'vcd has no parameter "gamma"; it has alpha, beta, noiseStep, seed.',
  );
});

test("the documented table of departures has every published method", () => {
  const page = readFileSync(join(__dirname, "../../docs/methods.md"), "utf8");
  const table = page.split("## Paper, released code, and here")[1]!.split("\n## ")[0]!;
  const own = ["apcOnly", "greedy", "sample", "beam"]; // a control, and what transformers' generate does
  for (const { name } of methods.filter((method) => !own.includes(method.name)))
    expect(table).toMatch(new RegExp(`^\\| \`${name}\` \\| .+ \\|$`, "m"));
});

test("one file per method on both sides", () => {
  const root = join(__dirname, "../..");
  for (const { axis, name } of methods) {
    const file = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(readdirSync(join(root, "src/methods", axis))).toContain(`${file}.ts`);
    expect(readdirSync(join(root, "python/aai_worker", axis))).toContain(`${file}.py`);
  }
});

const target = { family: "llava", layers: 6 };

test.each([
  [[3, 3], "3, 3"],
  [[4, 2], "4, 2"],
  [[2, 7], "2, 7"],
] as const)(
  "layers %j of a decoder with 6 are refused before a worker is asked, of any method",
  (layers, shown) => {
    const message = `layers are [${shown}). This model's decoder has 6: the start must lie below the end, and the end may be 6`;
    for (const create of Object.values(attentions)) {
      expect(() => resolveAttention(create({ layers }), target)).toThrow(message);
      expect(resolveAttention(create({ layers: [2, 6] }), target).layers).toEqual([2, 6]);
    }
    expect(() => resolveContrast(contrasts.deco({ layers }), target)).toThrow(message);
  },
);
