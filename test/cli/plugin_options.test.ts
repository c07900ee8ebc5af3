import { expect, test } from "vitest";
import yargs from "yargs";
import { contrastOptions } from "../../src/cli/contrast_options";
import { attentionOptions } from "../../src/cli/options";
import { methodsOf, pluginOptions } from "../../src/cli/plugin_options";
import { aai, none, Plugin, vcd } from "../../src/methods";

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
    .options({ ...attentionOptions, ...contrastOptions, ...pluginOptions })
    .parseSync();
  return methodsOf(args);
}

test("without --plugin the built-in methods, as ever", async () => {
  expect(await chosen()([plugin])).toEqual({ attention: none, contrast: undefined });
  expect(await chosen("--alpha", "0.2", "--contrast", "vcd")([plugin])).toEqual({
    attention: aai({ alpha: 0.2 }),
    contrast: vcd(),
  });
});

test("an edit of one's own, its parameters by --set, the engine's by their flags", async () => {
  const line = "--plugin mine.py --attention lift --set alpha=2 on=true note=7 --start-layer 1 --end-layer 3";
  const { attention, contrast } = await chosen(
    ...line.split(" "),
    "--warmup",
    "4",
    "--contrast",
    "vcd",
  )([plugin]);
  expect(attention).toEqual(
    plugin.attention("lift", { alpha: 2, on: true, note: "7", layers: [1, 3], warmup: 4 }),
  );
  expect(contrast).toEqual(vcd());
});

test("both of one's own", async () => {
  const line = "--plugin mine.py --attention lift --contrast dim --set lift.alpha=2 --set dim.alpha=3";
  expect(await chosen(...line.split(" "), "--noise-step", "300")([plugin])).toEqual({
    attention: plugin.attention("lift", { alpha: 2 }),
    contrast: plugin.contrast("dim", { alpha: 3, noiseStep: 300 }),
  });
});

test.each([
  ["--attention lift", "--attention lift is none of aai, hgai,"],
  ["--contrast dim", "--contrast dim is none of apcOnly, deco, dola, icd, m3id, paiCfg, sid, vcd, none; one"],
  ["--plugin mine.py --attention pai", "--plugin is given, but neither --attention nor --contrast names"],
  ["--set alpha=1", "--set alpha=1 belongs to a method of your own; give --plugin, and --attention or"],
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
    "--set dim.alpha=1 names dim; of your own methods lift",
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
])("%s is refused when the file is known", async (line, message) => {
  const methods = chosen("--plugin", "mine.py", ...line.split(" "));
  await expect(methods([plugin])).rejects.toThrow(message);
});
