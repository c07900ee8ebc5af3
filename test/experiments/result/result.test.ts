import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { chair } from "../../../src/benchmarks";
import type { Model } from "../../../src/client";
import { range, space } from "../../../src/experiments";
import { requireBaselines, withBaselines } from "../../../src/experiments/baselines";
import { type PlannedCell, planCells } from "../../../src/experiments/plan";
import { Monitor } from "../../../src/experiments/progress";
import { figures } from "../../../src/experiments/result/figures";
import { ExperimentResult } from "../../../src/experiments/result/result";
import { Scores } from "../../../src/experiments/result/scores";
import { seedTable } from "../../../src/experiments/result/seeds";
import { tableNote } from "../../../src/experiments/result/table";
import type { StoredExperiment } from "../../../src/experiments/store/folder";
import { aai, beam, greedy, none, sample } from "../../../src/methods";

const folder = mkdtempSync(join(tmpdir(), "sweep-result-"));
afterAll(() => rmSync(folder, { recursive: true }));

const model = {
  fingerprint: "x",
  dtype: "float32",
  description: { layers: 32, processors: {} },
} as unknown as Model;
const images = 40;
const items = Array.from({ length: images }, (_, i) => ({
  id: `i${i}`,
  name: String(i),
  image: `${i}.png`,
  fields: { image_id: i },
  reference: ["dog"],
}));
const data = { benchmark: "chair", prompt: "?", items: [], probes: [] } as const;

/** A sweep in which cell by cell and image by image it is said whether the caption names a cat that is not there. */
function swept(
  composed: { cells(): ReturnType<ReturnType<typeof space>["cells"]> },
  hallucinates: (cell: PlannedCell, image: number) => boolean | undefined,
  more: Partial<StoredExperiment> = {},
): StoredExperiment {
  const cells = planCells(composed.cells(), model, data);
  const records = cells.flatMap((cell) =>
    items.flatMap(({ id, fields }, i) => {
      const wrong = hallucinates(cell, i);
      if (wrong === undefined) return [];
      const answer = wrong ? "A dog and a cat." : "A dog.";
      return [
        { key: `${cell.id} ${id}`, status: "done" as const, cell: cell.id, item: id, ...fields, answer },
      ];
    }),
  );
  return {
    ...{
      folder,
      benchmark: "chair",
      metrics: [{ metric: "chair" }],
      scheduler: {},
      cells,
      drops: [],
      ended: true,
      runs: [],
    },
    ...{ items, records: new Map(records.map((record) => [record.key, record])) },
    ...more,
  };
}

const resultOf = (sweep: StoredExperiment) => new ExperimentResult(sweep, [chair()]).metrics[0]!;
const named = ({ cells }: ReturnType<typeof resultOf>, name: string) =>
  cells.find(({ cell }) => cell.name === name)!;

const twoSearches = space().grid({ search: [greedy(), beam()], attention: [none, aai()] });
/** Beam search alone makes 20 captions of 40 worse; AAI changes one under either search. */
const bySearch = (cell: PlannedCell, i: number) =>
  (cell.settings.search.method === "beam" && i < 20) || (cell.settings.attention !== none && i === 39);

test("each cell is compared with the plain cell of its own search", () => {
  const result = resultOf(swept(twoSearches, bySearch));
  const against = Object.fromEntries(
    result.cells.map(({ cell, comparison }) => [cell.name, comparison?.baseline]),
  );
  expect(against).toEqual({
    "plain, greedy": undefined,
    "plain, beam": undefined,
    "greedy, aai": "plain, greedy",
    "beam, aai": "plain, beam",
  });
  const { comparison } = named(result, "beam, aai");
  expect(comparison!.differences.CHAIRs).toBeCloseTo(1 / 40, 12);
  // SciPy 1.17.1: wilcoxon([.5] + [0] * 39, zero_method="wilcox", correction=False).pvalue; against plain greedy it would be 5e-6
  expect(comparison!.pValues.wilcoxon).toBeCloseTo(0.31731050786291415, 12);
  const tests = result.cells.filter((one) => one.comparison);
  expect(tests.map((one) => one.comparison!.adjusted)).toEqual(
    tests.map((one) => Math.min(1, 2 * one.comparison!.pValues.wilcoxon!)),
  );
  const table = new ExperimentResult(swept(twoSearches, bySearch), [chair()]).table();
  expect(table).toMatch(/^cell .* against$/m);
  expect(table).toMatch(/^plain, beam \(baseline\) /m);
  expect(table).toMatch(/^beam, aai .* plain, beam$/m);
  expect(tableNote(result)).toContain("cell − baseline (the cell it is `against`)");
});

test("prompts and seeds have their own plain cells, too", () => {
  const composed = space({ search: sample() }).grid({
    ...{ prompt: ["A", "B"], seed: [1, 2], attention: [aai()] },
  });
  const { cells } = swept(composed, () => false);
  expect(cells).toHaveLength(8);
  for (const cell of cells.filter(({ settings }) => settings.attention !== none)) {
    const baseline = cells.find(({ id }) => id === cell.baseline)!;
    expect(baseline.settings).toEqual({ ...cell.settings, attention: none });
  }
});

test("a baseline by name is compared with all others of its checkpoint", () => {
  const sweep = swept(twoSearches, bySearch);
  const result = resultOf(withBaselines(sweep, ["plain, greedy"]));
  expect(named(result, "beam, aai").comparison).toMatchObject({ baseline: "plain, greedy" });
  expect(named(result, "plain, beam").comparison!.differences.CHAIRs).toBeCloseTo(0.5, 12);
  expect(named(result, "plain, greedy").comparison).toBeUndefined();
  const planned = planCells(twoSearches.cells(), model, data, ["plain, greedy"]);
  expect(new Set(planned.map(({ baseline }) => baseline))).toEqual(new Set([planned[0]!.id]));
  expect(() => withBaselines(sweep, ["greedy"])).toThrow(
    'The baseline "greedy" is no cell of the sweep; its cells are "plain, greedy", "plain, beam"',
  );
  expect(() => requireBaselines(sweep.cells, ["plain, greedy", "plain, beam"])).toThrow(
    "are of one checkpoint",
  );
});

test("where nothing but plain cells are there, the note says how to compare them", () => {
  const result = resultOf(swept(space().grid({ search: [greedy(), beam()] }), bySearch));
  expect(tableNote(result)).toContain("No cell is compared with its plain one");
  expect(tableNote(result)).toContain("--baseline CELL");
});

test("heat maps, lines and the Pareto chart follow each cell's baseline", () => {
  const composed = space().grid({ "attention.alpha": [0.1, 0.2], search: [greedy(), beam()] });
  const found = Object.fromEntries(
    figures(resultOf(swept(composed, bySearch))).map(({ name, svg }) => [name, svg]),
  );
  expect(Object.keys(found)).toEqual(["heat-map", "lines", "pareto"]);
  // A panel a search, each with the level of its own plain cell: 0 and 20 of 60 mentions.
  const levels = [...found.lines!.matchAll(/<line[^>]*y1="([\d.]+)"[^>]*stroke-dasharray/g)].map(
    ([, y]) => y,
  );
  expect(levels).toHaveLength(2);
  expect(new Set(levels).size).toBe(2);
  expect(found.lines).toContain("Dashed: the baseline of each cell.");
  expect(found.pareto!.match(/\(baseline\)/g)).toHaveLength(2);
  expect(found["heat-map"]).not.toContain("*<"); // 20 captions differ from plain greedy, 1 from plain beam search
});

const race = space().grid({
  "attention.alpha": range(0.1, 0.3, 0.1),
  "attention.layers": [
    [0, 8],
    [8, 16],
  ],
});
/** Dropped after 16 images, without a hallucination in them: a better figure than any of 40. */
const isDropped = ({ name }: PlannedCell) => name === "alpha 0.3, layers 8-16";
const raced = () => {
  const sweep = swept(race, (cell, i) => (isDropped(cell) && i >= 16 ? undefined : i >= 16));
  const { id, name } = sweep.cells.find(isDropped)!;
  return { ...sweep, drops: [{ cell: id, name, round: 1, images: 16, reason: "for this test" }] };
};

test("a cell that stopped at fewer images stands below the others, with its number", () => {
  const result = new ExperimentResult(raced(), [chair()]);
  const { cells } = result.metrics[0]!;
  expect(cells.at(-1)).toMatchObject({ items: 16, of: 40, whole: false, figures: { CHAIRi: 0 } });
  expect(result.best!.whole).toBe(true);
  expect(result.table()).toMatch(/^alpha 0\.3, layers 8-16 \(dropped in round 1\) +16 of 40 /m);
  expect(tableNote(result.metrics[0]!)).toContain("are not ranked with them");
});

test("so does one whose rows failed", () => {
  const sweep = swept(race, (cell, i) => (isDropped(cell) && i >= 16 ? undefined : i >= 16));
  const { id } = sweep.cells.find(isDropped)!;
  const lost = items
    .slice(16)
    .map(({ id: item }) => ({ key: `${id} ${item}`, status: "failed" as const, cell: id, item }));
  const records = new Map([...sweep.records, ...lost.map((record) => [record.key, record] as const)]);
  const { cells } = resultOf({ ...sweep, records });
  expect(cells.at(-1)).toMatchObject({ items: 16, failed: 24, whole: false });
});

test("figures mark it, and neither frame it nor draw the front through it", () => {
  const found = Object.fromEntries(figures(resultOf(raced())).map(({ name, svg }) => [name, svg]));
  expect(found["heat-map"]).toContain(">0.0†<");
  expect(found["heat-map"]).toContain("40 answers a cell. * differs");
  expect(found["heat-map"]).toContain("† 16 of 40 answers only");
  expect(found["heat-map"]).not.toContain("0.0 best");
  expect(found.lines!.match(/<circle[^>]*fill="#fff"/g)).toHaveLength(1);
  expect(found.lines).toContain("Hollow: 16 of 40 answers only");
  expect(found.pareto).toContain("(16 of 40 answers)");
  expect(found.pareto).not.toContain("1  alpha 0.3, layers 8-16");
});

test("seeds with fewer answers are not averaged with the others", () => {
  const composed = space({ search: sample() }).grid({ seed: [1, 2, 3] });
  const short = ({ settings: { search } }: PlannedCell) => search.method === "sample" && search.seed === 3;
  const sweep = swept(composed, (cell, i) => (short(cell) && i >= 16 ? undefined : i >= 16));
  const row = seedTable(resultOf(sweep))!.rows[0]!;
  expect(row.slice(1, 3)).toEqual(["2 of 3", "60.0 ± 0.0"]);
});

test("the leader that progress names leads on the answers that all cells have", () => {
  const sweep = swept(race, (cell, i) => (isDropped(cell) ? (i < 16 ? i < 8 : undefined) : i >= 8));
  const scores = new Scores(chair(), items);
  for (const record of sweep.records.values()) scores.add(record);
  let best: unknown;
  const monitor = new Monitor(
    {
      data: { ...data, items: items.map((item) => ({ ...item, path: "", question: "" })) },
      folder: { samples: { records: sweep.records } } as never,
      later: 0,
      onProgress: (state) => {
        best = state.best;
      },
    },
    scores,
  );
  monitor.begin(sweep.cells);
  monitor.report();
  // On those 16 all are equal, 8 of 16 captions: whichever is first; over all it has, the short cell would lead.
  expect(best).toMatchObject({ answers: 16, name: "plain", value: 8 / 24 });
});
