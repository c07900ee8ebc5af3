import { expect, test } from "vitest";
import { range } from "../../../src/experiments/space/range";
import { space } from "../../../src/experiments/space/space";
import {
  aai,
  apcOnly,
  beam,
  greedy,
  hgai,
  icd,
  m3id,
  none,
  opera,
  pai,
  paiCfg,
  sample,
  sid,
  vaf,
  vcd,
} from "../../../src/methods";
import { pluginEdit } from "../../../src/methods/plugin/edit";

const names = (cells: { name: string }[]) => cells.map(({ name }) => name);

test("a range holds decimal numbers, its end included", () => {
  expect(range(0, 1, 0.1)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  expect(range(0.5, -0.25, -0.25)).toEqual([0.5, 0.25, 0, -0.25]);
  expect(range(1e-7, 3e-7, 1e-7)).toEqual([1e-7, 2e-7, 3e-7]);
  expect(range(2, 2, 1)).toEqual([2]);
  expect(() => range(0, 1, -0.1)).toThrow("0:1:-0.1");
  expect(() => range(0, 1, 0)).toThrow("no values");
});

test("a grid has every combination; alpha 0 is the baseline for every range of layers", () => {
  const cells = space()
    .grid({
      "attention.alpha": [0, 0.1, 0.2],
      "attention.layers": [
        [2, 32],
        [8, 24],
      ],
    })
    .cells();
  expect(names(cells)).toEqual([
    "plain",
    "alpha 0.1, layers 2-32",
    "alpha 0.1, layers 8-24",
    "alpha 0.2, layers 2-32",
    "alpha 0.2, layers 8-24",
  ]);
  expect(cells[0]!.settings.attention).toBe(none);
  expect(cells[0]!.points).toEqual([
    { "attention.alpha": 0, "attention.layers": [2, 32] },
    { "attention.alpha": 0, "attention.layers": [8, 24] },
  ]);
  expect(cells[2]!.settings.attention).toEqual(aai({ alpha: 0.1, layers: [8, 24] }));
});

test("the base goes into every cell", () => {
  const cells = space({
    attention: aai({ warmup: -1 }),
    search: greedy({ maxNewTokens: 64 }),
    prompt: "Look.",
    template: "plain",
  })
    .grid({ "attention.alpha": 0.5 })
    .cells();
  expect(names(cells)).toEqual(["plain", "aai alpha 0.5 warmup -1"]);
  for (const { settings } of cells)
    expect(settings).toMatchObject({ search: { maxNewTokens: 64 }, prompt: "Look.", template: "plain" });
  expect(cells[1]!.settings.attention).toEqual(aai({ alpha: 0.5, warmup: -1 }));
});

test("an axis multiplies the cells whose method has its parameter", () => {
  const cells = space()
    .grid({
      attention: [none, aai(), pai(), vaf()],
      "attention.alpha": [0.1, 0.2],
      "attention.enhance": [1.1, 1.2],
    })
    .cells();
  expect(names(cells)).toEqual([
    "plain",
    "aai, alpha 0.1",
    "aai, alpha 0.2",
    "pai, alpha 0.1",
    "pai, alpha 0.2",
    "vaf, enhance 1.1",
    "vaf, enhance 1.2",
  ]);
});

test("searches, contrasts, prompts and seeds are axes, each value with a plain cell of its own", () => {
  const cells = space({ search: sample() })
    .grid({ contrast: [none, vcd()], seed: [1, 2], prompt: ["A", "B"] })
    .cells();
  expect(cells).toHaveLength(8);
  expect(cells[0]!.name).toBe("plain, prompt A, seed 1");
  expect(cells.at(-1)!.settings).toMatchObject({
    contrast: { method: "vcd" },
    search: { seed: 2 },
    prompt: "B",
  });
  const searches = space().grid({ search: [beam(), opera()], attention: [aai()] });
  expect(names(searches.cells())).toEqual(["plain, beam", "plain, opera", "beam, aai", "opera, aai"]);
});

test("a named cell with a search of its own gets its plain cell, too, and a plain one keeps its name", () => {
  const cells = space({ search: greedy({ maxNewTokens: 64 }) }).named({
    "AAI's README": { attention: aai(), search: beam({ maxNewTokens: 64 }) },
    "by chance": { search: sample({ seed: 5 }) },
    pai: { attention: pai(), prompt: "Look." },
  });
  expect(names(cells.cells())).toEqual([
    ...["plain", "by chance", "plain, greedy maxNewTokens 64, prompt Look."],
    ...["AAI's README", "pai"],
  ]);
});

test("a method's name does not repeat what another axis says, a plug-in's tells its values", () => {
  const cells = space().grid({
    attention: [pai({ alpha: 0.5, layers: [0, 4] })],
    "attention.alpha": [0.1, 0.2],
  });
  expect(names(cells.cells())).toEqual(["plain", "pai layers 0-4, alpha 0.1", "pai layers 0-4, alpha 0.2"]);
  const declared = { name: "focus", takesReference: false, parameters: [], stream: "none" } as never;
  const edit = pluginEdit(declared, "0".repeat(64), {});
  const focus = { ...edit, parameters: { ...edit.parameters, values: { gain: 2 } } };
  expect(
    names(
      space()
        .grid({
          attention: [focus],
          "attention.layers": [
            [0, 2],
            [1, 4],
          ],
        })
        .cells(),
    ),
  ).toEqual(["plain", "focus gain 2, layers 0-2", "focus gain 2, layers 1-4"]);
});

test("zip walks its axes side by side", () => {
  const cells = space().zip({
    "attention.alpha": [0.1, 0.2],
    "attention.layers": [
      [0, 4],
      [2, 6],
    ],
  });
  expect(names(cells.cells())).toEqual(["plain", "alpha 0.1, layers 0-4", "alpha 0.2, layers 2-6"]);
  expect(() => space().zip({ "attention.alpha": [0.1], "attention.beta": [1, 2] })).toThrow(
    "attention.alpha has 1 values, attention.beta 2",
  );
});

test("when: an axis for some cells only", () => {
  const cells = space()
    .grid({ attention: [aai(), pai()], "attention.alpha": [0.1] })
    .when(({ attention }) => JSON.stringify(attention).includes("aai"), { "attention.warmup": [-1, 5] })
    .cells();
  expect(names(cells).sort()).toEqual(["aai, warmup -1", "aai, warmup 5", "pai", "plain"]);
});

test("random chooses by seed, in the order of the grid", () => {
  const all = space().grid({ "attention.alpha": range(0.01, 1, 0.01) });
  const drawn = names(all.random(5, 7).cells());
  expect(drawn).toHaveLength(6);
  expect(names(all.random(5, 7).cells())).toEqual(drawn);
  expect(names(all.random(5, 8).cells())).not.toEqual(drawn);
  expect(names(all.cells()).filter((name) => drawn.includes(name))).toEqual(drawn);
  expect(() => all.random(101, 0)).toThrow("101 cells were asked for; the space has 100");
});

test("named cells stand beside the axes, or alone", () => {
  const named = { "authors' README": { attention: aai({ alpha: 0.3, beta: 1, layers: [2, 32] as const }) } };
  expect(names(space().named(named).cells())).toEqual(["plain", "authors' README"]);
  const both = space()
    .grid({ "attention.alpha": [0.1] })
    .named(named);
  expect(names(both.cells())).toEqual(["plain", "aai alpha 0.1", "authors' README"]);
});

test("the same decoding at several places is one cell", () => {
  const cells = space()
    .grid({ attention: [aai({ alpha: 0.2 }), aai(), aai()], "attention.alpha": [0.2, 0.3] })
    .cells();
  expect(cells).toHaveLength(3);
  expect(cells[1]!.points).toHaveLength(3);
});

test("what changes nothing is the baseline", () => {
  const attention = [
    aai({ alpha: 0 }),
    pai({ alpha: 0 }),
    hgai({ alpha: 0 }),
    vaf({ enhance: 1, suppress: 1 }),
    [aai({ alpha: 0 }), pai({ alpha: 0 })],
  ];
  expect(space().grid({ attention }).cells()).toHaveLength(1);
  const off = { beta: 0 };
  const contrast = [
    vcd({ alpha: 0, ...off }),
    apcOnly(off),
    m3id({ decay: 0, ...off }),
    paiCfg({ gamma: 1, ...off }),
    icd({ alpha: 0, ...off }),
    sid({ alpha: 0, ...off }),
  ];
  expect(space().grid({ contrast }).cells()).toHaveLength(1);
  const active = [aai({ alpha: 0, beta: 2 }), pai(), vaf({ enhance: 1 }), hgai()];
  expect(space().grid({ attention: active }).cells()).toHaveLength(5);
  const constrained = [vcd({ alpha: 0 }), apcOnly(), m3id({ decay: 0 }), paiCfg({ gamma: 1 })];
  expect(space().grid({ contrast: constrained }).cells()).toHaveLength(5);
});

test("wrong spaces are refused in a sentence", () => {
  const wrong = (axes: object) => () => space().grid(axes);
  expect(wrong({ "attention.alhpa": [1] })).toThrow("attention.alhpa is a parameter of no cell");
  expect(wrong({ "contrast.alpha": [1] })).toThrow("contrast.alpha is a parameter of no cell");
  expect(wrong({ "attention.alpha": [] })).toThrow("attention.alpha has no values");
  expect(wrong({ "attention.alpha": ["much"] })).toThrow('aai: alpha is "much"');
  expect(wrong({ search: [greedy()], seed: [1, 2] })).toThrow("seed is a parameter of no cell");
});

test("a space of more points than anybody would try is refused before it is made", () => {
  const alphas = range(0, 1, 0.0001);
  expect(() => space().grid({ "attention.alpha": alphas, "attention.beta": alphas })).toThrow(
    "up to 100020001 points with attention.beta; at most 100000 are tried",
  );
});
