import { expect, test } from "vitest";
import yargs from "yargs";
import { attentionOptions } from "../../../src/cli/options/attention";
import { contrastOptions } from "../../../src/cli/options/contrast";
import { methodsOf, pluginOptions } from "../../../src/cli/options/methods";
import { searchOptions } from "../../../src/cli/options/search";
import { aai, beam, greedy, none, Plugin, pai, sample, vcd } from "../../../src/methods";

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
        { name: "on", type: "bool", choices: [], default: false },
        { name: "note", type: "str", choices: [], default: "1" },
      ],
    },
    {
      ...common,
      axis: "contrast",
      name: "dim",
      parameters: [{ name: "alpha", type: "float", choices: [], default: 1 }],
      stream: "noisyImage",
    },
  ],
});

function chosen(...line: string[]) {
  const args = yargs(line)
    .options({ ...attentionOptions, ...contrastOptions, ...pluginOptions, ...searchOptions })
    .parseSync();
  return methodsOf(args);
}

test("without --plugin the built-in methods, as ever", () => {
  expect(chosen()([plugin])).toEqual({ attention: none, contrast: undefined, search: greedy() });
  expect(chosen("--alpha", "0.2", "--contrast", "vcd")([plugin])).toEqual({
    attention: aai({ alpha: 0.2 }),
    contrast: vcd(),
    search: greedy(),
  });
});

test("--set says any parameter of a method in use, of searches too", () => {
  const line =
    "--attention pai --contrast vcd --beam 3 --set pai.alpha=0.4 vcd.alpha=2 layers=1-3 earlyStopping=true";
  expect(chosen(...line.split(" "))([])).toEqual({
    attention: pai({ alpha: 0.4, layers: [1, 3] }),
    contrast: vcd({ alpha: 2 }),
    search: beam({ numBeams: 3, earlyStopping: true }),
  });
  expect(chosen("--search", "sample", "--set", "seed=7", "topP=0.9")([]).search).toEqual(
    sample({ seed: 7, topP: 0.9 }),
  );
});

test("an edit of one's own, its parameters by --set, the engine's by their flags", () => {
  const line =
    "--plugin mine.py --attention lift --set lift.alpha=2 on=true note=7 --start-layer 1 --end-layer 3";
  const { attention, contrast } = chosen(...line.split(" "), "--warmup", "4", "--contrast", "vcd")([plugin]);
  expect(attention).toEqual(
    plugin.attention("lift", { alpha: 2, on: true, note: "7", layers: [1, 3], warmup: 4 }),
  );
  expect(contrast).toEqual(vcd());
});

test("both of one's own", () => {
  const line = "--plugin mine.py --attention lift --contrast dim --set lift.alpha=2 --set dim.alpha=3";
  expect(chosen(...line.split(" "), "--noise-step", "300")([plugin])).toEqual({
    attention: plugin.attention("lift", { alpha: 2 }),
    contrast: plugin.contrast("dim", { alpha: 3, noiseStep: 300 }),
    search: greedy(),
  });
});

test.each([
  ["--attention lift", "--attention lift is none of aai, hgai,"],
  ["--contrast dim", "--contrast dim is none of apcOnly, deco, dola, icd, m3id, paiCfg, sid, vcd, none; one"],
  ["--plugin mine.py --attention pai", "--plugin is given, but neither --attention nor --contrast names"],
  ["--set alpha=1", '--set alpha=1: there is no "alpha" among the parameters of greedy (maxNewTokens).'],
  ["--attention aai --set alpah=1", 'there is no "alpah" among the parameters of aai (alpha, beta, layers,'],
  ["--attention pai --contrast m3id --set layers=1", '--layers is "1"; expected START-END such as 2-32'],
  ["--attention pai --contrast vcd --set alpha=1", "could belong to pai or vcd; write pai.alpha=1."],
  ["--alpha 1 --set alpha=2", "--alpha and --set alpha=2 say the same of aai; give one."],
  ["--set beam.numBeams=3", "--set beam.numBeams=3 names beam; the methods in use are greedy."],
  ["--plugin m.py --attention lift --set alpha", "--set alpha is not of the form PARAMETER=VALUE."],
  [
    "--plugin m.py --attention lift --alpha 1",
    "--attention lift takes no --alpha; parameters of its own are",
  ],
  ["--plugin m.py --attention lift --use-aai", "--use-aai and --attention lift contradict each other"],
  [
    "--plugin m.py --contrast dim --gamma 1",
    "--contrast dim takes no --gamma; parameters of its own are given",
  ],
  [
    "--plugin m.py --attention lift --contrast dim --set alpha=1",
    "--set alpha=1 could belong to lift or dim; write lift.alpha=1.",
  ],
  [
    "--plugin m.py --attention lift --set dim.alpha=1",
    "--set dim.alpha=1 names dim; the methods in use are lift, greedy.",
  ],
])("%s is refused before a worker starts", (line, message) => {
  expect(() => chosen(...line.split(" "))).toThrow(message);
});

test.each([
  ["--attention lfit", 'mine.py declares no attention "lfit"'],
  ["--attention lift --set alpha=much", 'lift: alpha is "much".'],
  ["--attention lift --set on=1", 'lift: on is "1".'],
  [
    "--attention lift --set beta=1",
    'lift has no parameter "beta"; it has alpha (float), on (bool), note (str).',
  ],
])("%s is refused when the file is known", (line, message) => {
  const methods = chosen("--plugin", "mine.py", ...line.split(" "));
  expect(() => methods([plugin])).toThrow(message);
});
