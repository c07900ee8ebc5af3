import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { racing } from "../../../src/experiments/schedule/racing";
import { range } from "../../../src/experiments/space/range";
import { space } from "../../../src/experiments/space/space";
import { composeData, composeScheduler, composeSpace } from "../../../src/experiments/spec/compose";
import { readSpec } from "../../../src/experiments/spec/read_spec";
import { aai, greedy, none, Plugin, pai, vcd } from "../../../src/methods";

const folder = mkdtempSync(join(tmpdir(), "spec-"));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function file(text: string, ending = "yaml"): string {
  const path = join(folder, `${count++}.${ending}`);
  writeFileSync(path, text);
  return path;
}

const cells = (text: string, ending?: string) => composeSpace(readSpec(file(text, ending)), ["demo"]).cells();
const base = { search: greedy({ maxNewTokens: 64 }), prompt: "Look.", checkpoint: "demo" };

test("a file says what the same calls say", () => {
  const text = `
base:
  search: { method: greedy, maxNewTokens: 64 }
  prompt: Look.
grid:
  attention: [none, aai, { method: pai, alpha: 0.3 }]
  attention.alpha: 0:0.2:0.1
  attention.layers: [[2, 6], [0, 3]]
when:
  - attention: aai
    axes: { attention.warmup: [-1, 5] }
random: { count: 9, seed: 3 }
cells:
  the authors': { attention: { method: aai, alpha: 0.3, beta: 1 }, contrast: vcd }
`;
  const expected = space(base)
    .grid({
      attention: [none, aai(), pai({ alpha: 0.3 })],
      "attention.alpha": range(0, 0.2, 0.1),
      "attention.layers": [
        [2, 6],
        [0, 3],
      ],
    })
    .when(({ attention }) => JSON.stringify(attention).includes('"aai"'), { "attention.warmup": [-1, 5] })
    .random(9, 3)
    .named({ "the authors'": { attention: aai({ alpha: 0.3, beta: 1 }), contrast: vcd() } })
    .cells();
  expect(cells(text)).toEqual(expected);
  expect(expected.length).toBeGreaterThan(5);
});

test("JSON is read too; zip walks side by side; layers alone are one range", () => {
  const text = JSON.stringify({ zip: { "attention.alpha": [0.1, 0.2], "attention.beta": [1, 0.9] } });
  expect(cells(text, "json").map(({ name }) => name)).toEqual([
    "plain",
    "alpha 0.1, beta 1",
    "alpha 0.2, beta 0.9",
  ]);
  const layers = cells("grid: { attention.layers: [2, 6], attention.alpha: 0.1 }");
  expect(layers[1]!.settings.attention).toEqual(aai({ alpha: 0.1, layers: [2, 6] }));
  expect(
    cells("grid: { contrast: [{ method: dola, layers: low }, { method: dola, layers: [0, 2] }] }"),
  ).toHaveLength(3);
});

const plugin = new Plugin("mine.py", {
  sha256: "abc",
  declarations: [
    {
      ...{ axis: "attention", name: "lift", summary: "", takesReference: true, stream: "none" },
      parameters: [
        { name: "alpha", type: "float", choices: [], default: 0.5 },
        { name: "on", type: "bool", choices: [], default: false },
        { name: "how", type: "str", choices: ["keep", "drop"], default: "keep" },
      ],
    },
    {
      ...{ axis: "contrast", name: "dim", summary: "", takesReference: false, stream: "noisyImage" },
      parameters: [{ name: "weight", type: "float", choices: [], default: 1 }],
    },
  ],
});

test("methods of one's own stand where built-in ones do", () => {
  const text = `
grid:
  attention: [aai, lift, { method: lift, how: drop, layers: [1, 3], mode: corrected }]
  attention.alpha: [0.1, 0.2]
when:
  - { attention: lift, axes: { attention.on: [true, false] } }
cells:
  dimmed: { contrast: { method: dim, weight: 2, noiseStep: 300 } }
  both: { attention: lift, contrast: dim }
`;
  const lift = plugin.attention("lift");
  const dropping = plugin.attention("lift", { how: "drop", layers: [1, 3], mode: "corrected" });
  const expected = space({ checkpoint: "demo" })
    .grid({ attention: [aai(), lift, dropping], "attention.alpha": [0.1, 0.2] })
    .when(({ attention }) => JSON.stringify(attention).includes('"lift"'), { "attention.on": [true, false] })
    .named({
      dimmed: { contrast: plugin.contrast("dim", { weight: 2, noiseStep: 300 }) },
      both: { attention: lift, contrast: plugin.contrast("dim") },
    })
    .cells();
  const spec = readSpec(file(text), [plugin]);
  expect(composeSpace(spec, ["demo"], [plugin]).cells()).toEqual(expected);
  expect(expected).toHaveLength(1 + 2 + 2 * 2 * 2 + 2);
});

test.each([
  ["base: { attention: lfit }", "base › attention: Expected one of none, aai, hgai"],
  ["base: { attention: { method: lift, alhpa: 1 } }", 'base › attention: Unrecognized key: "alhpa".'],
  ["base: { attention: { method: lift, how: melt } }", 'how: Invalid option: expected one of "keep"|"drop"'],
  ["grid: { attention: [lift], attention.on: 1 }", "grid › attention.on: Invalid input: expected boolean"],
  ["base: { contrast: { method: dim, noiseStep: much } }", "noiseStep: Invalid input: expected number"],
])("%s is refused where the file is known", (text, message) => {
  expect(() => readSpec(file(text), [plugin])).toThrow(message);
});

test("several models are an axis", () => {
  const two = composeSpace(readSpec(file("grid: { attention.alpha: 0.1 }")), ["a", "b"]).cells();
  expect(two.map(({ settings }) => settings.checkpoint)).toEqual(["a", "b", "a", "b"]);
});

test("data and scheduler", () => {
  const spec = readSpec(
    file(
      "data: { captions: { images: demo/data/val2014, annotations: demo/data/annotations, ids: { count: 3, seed: 0 } } }\nscheduler: { racing: { level: 0.1 } }",
    ),
  );
  expect(composeData(spec).items).toHaveLength(3);
  expect(composeScheduler(spec).description).toEqual(racing({ level: 0.1 }).description);
  expect(composeData(readSpec(file("{}"))).items).toHaveLength(120);
});

test.each([
  ["grid: { attention.alhpa: 1 }", 'grid: Unrecognized key: "attention.alhpa".'],
  ["grid: { attention.alpha: [0, much] }", "grid › attention.alpha › 1: Invalid input: expected number"],
  ["base: { attention: { method: aai, alpa: 1 } }", 'base › attention: Unrecognized key: "alpa".'],
  ["base: { attention: ai }", "base › attention: Expected one of none, aai, hgai"],
  [
    "base: { contrast: { method: dim } }",
    "base › contrast › method: Expected one of none, apcOnly, deco, dola",
  ],
  ["base: { search: greed }", "base › search: Expected one of beam, greedy, opera, sample."],
  ["scheduler: { racing: { level: high } }", "scheduler › racing › level: Invalid input: expected number"],
  ["data: { captions: {} }", "data › captions › images: Invalid input: expected string"],
  ["modle: demo", 'Unrecognized key: "modle".'],
  ["grid: [", "is not YAML"],
  ["when: !!js/function 'function () { return true; }'", "when: Invalid input"],
])("%s is refused", (text, message) => {
  expect(() => readSpec(file(text))).toThrow(message);
});

test("JSON that is none is refused", () => {
  expect(() => readSpec(file("{", "json"))).toThrow("is not JSON");
});
