import { expect, test } from "vitest";
import { ParameterError, Plugin } from "../../src/methods";
import { resolveAttention, resolveContrast } from "../../src/methods/registry";

const llava7b = { family: "llava", layers: 32 };
const common = { summary: "", takesReference: false, stream: "none" } as const;
const plugin = new Plugin("mine.py", {
  sha256: "abc",
  declarations: [
    {
      ...common,
      axis: "attention",
      name: "lift",
      parameters: [
        { name: "alpha", type: "float", choices: [], default: 0.5 },
        { name: "how", type: "str", choices: ["keep", "drop"], default: null },
      ],
    },
    { ...common, axis: "attention", name: "align", parameters: [], takesReference: true },
    {
      ...common,
      axis: "contrast",
      name: "dim",
      parameters: [
        { name: "times", type: "int", choices: [], default: 2 },
        { name: "cut", type: "bool", choices: [], default: true },
      ],
      stream: "noisyImage",
    },
    { ...common, axis: "contrast", name: "bare", parameters: [] },
  ],
});

test("an edit is plain data with every value explicit, and the hash of its file", () => {
  const edit = plugin.attention("lift", { how: "keep", layers: [1, 4] });
  expect(edit).toEqual({
    parameters: {
      method: "plugin",
      name: "lift",
      sha256: "abc",
      values: { alpha: 0.5, how: "keep" },
      layers: [1, 4],
      warmup: -1,
      mode: "released",
      normalisation: "mean",
      imageKeys: null,
    },
    reference: undefined,
  });
  expect(resolveAttention(edit, llava7b)).toEqual(edit.parameters);
  expect(resolveAttention(plugin.attention("align", { warmup: 5 }), llava7b)).toMatchObject({
    layers: [2, 32],
    warmup: 5,
  });
});

test("so is a contrast", () => {
  const contrast = plugin.contrast("dim", { cut: false, noiseStep: 700 });
  expect(contrast).toEqual({
    method: "plugin",
    name: "dim",
    sha256: "abc",
    values: { times: 2, cut: false },
    noiseStep: 700,
    noiseSeed: 42,
  });
  expect(resolveContrast(contrast, llava7b)).toEqual(contrast);
});

test.each([
  [
    () => plugin.attention("lfit"),
    'mine.py declares no attention "lfit"; it declares attention lift(alpha (float), how (keep or drop)); attention',
  ],
  [() => plugin.contrast("lift"), 'mine.py declares no contrast "lift"'],
  [
    () => plugin.attention("lift", { gamma: 1 }),
    'lift has no parameter "gamma"; it has alpha (float), how (keep or drop).',
  ],
  [() => plugin.attention("lift"), "lift needs how (keep or drop); give it."],
  [() => plugin.attention("lift", { how: "turn" }), 'lift: how is "turn". Invalid option'],
  [() => plugin.attention("lift", { how: "keep", alpha: "much" }), 'lift: alpha is "much". Invalid input'],
  [() => plugin.attention("lift", { how: "keep", alpha: Number.NaN }), "lift: alpha is NaN."],
  [() => plugin.attention("lift", { how: "keep", layers: [2, -1] }), "lift: layers.1 is -1."],
  [
    () => plugin.attention("lift", { how: "keep", mode: "corrected" }),
    "lift does not ask for the vision reference, so mode means nothing.",
  ],
  [() => plugin.contrast("dim", { times: 1.5 }), "dim: times is 1.5."],
  [() => plugin.contrast("dim", { noiseStep: 1000 }), "dim: noiseStep is 1000. It may be 999 at most."],
  [
    () => plugin.contrast("bare", { noiseSeed: 1 }),
    "bare has no noisy image as its second stream, so noiseSeed means nothing.",
  ],
])("%s", (make, message) => {
  expect(make).toThrow(ParameterError);
  expect(make).toThrow(message);
});
