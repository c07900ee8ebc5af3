import { expect, test } from "vitest";
import yargs from "yargs";
import { attentionOf, attentionOptions } from "../../../src/cli/options/attention";
import { contrastOf, contrastOptions } from "../../../src/cli/options/contrast";
import { givenParameters, methodFlags, parameterOfFlag } from "../../../src/cli/options/method_flags";
import { strict } from "../../../src/cli/options/strict";
import { aai, deco, dola, hgai, icd, m3id, none, paint, sid, vaf, vcd } from "../../../src/methods";
import { methods } from "../../../src/methods/registry";

const parsed = (line: string) =>
  yargs(line.split(" "))
    .options(strict({ ...attentionOptions, ...contrastOptions }))
    .exitProcess(false)
    .fail((_, error) => {
      throw error;
    })
    .parseSync();

test.each([
  ["--attention none", none],
  ["--use-aai --layers 2-32", aai({ layers: [2, 32] })],
  ["--use-aai --start-layer 2 --end-layer 32", aai({ layers: [2, 32] })],
  ["--alpha 0.1 --beta 0.9 --warmup -1", aai({ alpha: 0.1, beta: 0.9, warmup: -1 })],
  [
    "--use-aai --reference-mode corrected --normalisation rank",
    aai({ mode: "corrected", normalisation: "rank" }),
  ],
  ["--attention hgai --alpha 0.2 --image-keys 5-581", hgai({ alpha: 0.2, imageKeys: [5, 581] })],
  ["--attention paint --alpha 0.5 --beta 0.2", paint({ alpha: 0.5, beta: 0.2 })],
  [
    "--attention vaf --enhance 1.2 --suppress 0.9 --queries newest",
    vaf({ enhance: 1.2, suppress: 0.9, queries: "newest" }),
  ],
])("%s is that edit", (line, edit) => {
  expect(attentionOf(parsed(line))).toEqual(edit);
});

test.each([
  ["--contrast none", undefined],
  [
    "--contrast vcd --cd-alpha 0.5 --noise-step 300 --noise-seed 1",
    vcd({ alpha: 0.5, noiseStep: 300, seed: 1 }),
  ],
  ["--contrast deco --cd-alpha 0.3 --early-layers 20-29", deco({ alpha: 0.3, layers: [20, 29] })],
  ["--contrast deco --early-layers 20,29 --cd-top-p 0.8", deco({ layers: [20, 29], topP: 0.8 })],
  ["--contrast dola --early-layers high", dola({ layers: "high" })],
  ["--contrast dola --early-layers 0,2,4 --relative-top 0", dola({ layers: [0, 2, 4], relativeTop: 0 })],
  ["--contrast icd --disturbance Lie.", icd({ disturbance: "Lie." })],
  ["--contrast m3id --decay 0.01 --first-step 0", m3id({ decay: 0.01, firstStep: 0 })],
  ["--contrast sid --keep 6 --keep-layer 1", sid({ keep: 6, layer: 1 })],
])("%s is that contrast", (line, contrast) => {
  expect(contrastOf(parsed(line))).toEqual(contrast);
});

test.each([
  ["--use-aai --layers 6-2", '--layers is "6-2"; expected START-END such as 2-32'],
  ["--use-aai --layers 2", '--layers is "2"; expected START-END'],
  ["--use-aai --start-layer 6 --end-layer 2", "--start-layer 6 --end-layer 2 are no layers"],
  ["--use-aai --start-layer 6", "Give both --start-layer and --end-layer, or neither."],
  ["--use-aai --layers 2-6 --start-layer 2 --end-layer 6", "--layers and --start-layer say the same"],
  ["--layers 2-6", "--layers belongs to an edit of attention"],
  ["--attention hgai --beta 1", "--attention hgai takes no --beta"],
  ["--attention aai --queries newest", "--attention aai takes no --queries"],
])("%s is refused", (line, message) => {
  expect(() => attentionOf(parsed(line))).toThrow(message);
});

test("a word that is no set of layers is answered with those that are", () => {
  expect(() => contrastOf(parsed("--contrast dola --early-layers lowest"))).toThrow(
    "It is low, high, or a list",
  );
});

test.each(["attention", "contrast"] as const)(
  "every parameter of every %s method has a flag, and a flag one meaning in a method",
  (axis) => {
    const flags = Object.keys(methodFlags(axis, "Any:"));
    for (const { name, parameters } of methods.filter((method) => method.axis === axis)) {
      const reached = flags.flatMap((flag) => {
        try {
          return Object.keys(givenParameters(axis, name, { [flag]: "0-1" }));
        } catch (error) {
          if (!/takes no|expected numbers/.test((error as Error).message)) throw error;
          return /takes no/.test((error as Error).message) ? [] : [parameterOfFlag(axis).get(flag)!];
        }
      });
      expect(reached.sort()).toEqual(Object.keys(parameters).sort());
    }
  },
);
