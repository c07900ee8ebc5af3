import { expect, test } from "vitest";
import type { PlannedCell } from "../../../src/experiments/plan";
import { halving } from "../../../src/experiments/schedule/halving";
import { racing } from "../../../src/experiments/schedule/racing";
import { firstImages, standings } from "../../../src/experiments/schedule/rounds";
import type { Contest, Scheduler, Step } from "../../../src/experiments/schedule/scheduler";
import { wilcoxon } from "../../../src/statistics";

const images = Array.from({ length: 120 }, (_, k) => `${k}.png`);
/** Scores of image number k, less is better. */
const rivals: Record<string, (k: number) => number> = {
  plain: (k) => base(k) + 0.5,
  leader: base,
  close: (k) => base(k) + (((k * 5) % 9) - 3.5) / 64,
  worse: (k) => base(k) + (((k * 3) % 7) - 2) / 32,
  hopeless: (k) => base(k) + 0.25 + (k % 5) / 128,
};
function base(k: number): number {
  return ((k * 7) % 11) / 16;
}

const cells = Object.keys(rivals).map((name) => ({ name, id: name, baseline: "plain" }) as PlannedCell);

/** Runs a scheduler to its end, as a sweep would, over scores known in advance. */
function run(scheduler: Scheduler, sign = 1): Step[] {
  const steps: Step[] = [];
  let left = cells;
  let seen: readonly string[] = [];
  for (let round = 0; ; round++) {
    const contest: Contest = {
      cells: left,
      images,
      round,
      scores: ({ id }) =>
        new Map(seen.map((image) => [image, sign * rivals[id]!(Number.parseInt(image, 10))])),
      lowerIsBetter: () => sign > 0,
    };
    const step = scheduler(contest);
    if (step === undefined) return steps;
    steps.push(step);
    left = left.filter(({ id }) => !step.drops.some(({ cell }) => cell === id));
    seen = step.images;
  }
}

const dropped = (steps: Step[]) => steps.map(({ drops }) => drops.map(({ name }) => name));

test("each round sees more of the same shuffled images, the last one all", () => {
  const sizes = (scheduler: Scheduler) => run(scheduler).map((step) => step.images.length);
  expect(sizes(racing())).toEqual([32, 64, 120]);
  expect(sizes(racing({ rounds: [10, 50] }))).toEqual([10, 50, 120]);
  expect(sizes(halving({ rounds: [500] }))).toEqual([120]);
  const [first, second, last] = run(racing()).map((step) => step.images);
  expect(second!.slice(0, 32)).toEqual(first);
  expect(last).not.toEqual(images);
  expect([...last!].sort()).toEqual([...images].sort());
});

// SciPy 1.17.1: wilcoxon(cell - leader, correction=False).pvalue on the first 32 and the first 64 images
const scipy = {
  close: [0.734708044291658, 0.8059542923234059],
  worse: [0.054381097616383, 0.00015196557917603504],
  hopeless: [7.045777559379179e-7, 2.7460121468204776e-12],
};

test.each(Object.entries(scipy))("%s: the p-values are SciPy's", (name, expected) => {
  const differences = (count: number) =>
    firstImages(images, count).map((image) => {
      const k = Number.parseInt(image, 10);
      return rivals[name]!(k) - rivals.leader!(k);
    });
  for (const [i, count] of [32, 64].entries())
    expect(wilcoxon(differences(count))! / expected[i]!).toBeCloseTo(1, 12);
});

test("a cell is dropped once its p-value is below the level over 2 rounds x 4 rivals", () => {
  const steps = run(racing({ level: 0.05 }));
  expect(dropped(steps)).toEqual([[], ["hopeless"], ["worse"]]);
  expect(steps[2]!.drops).toEqual([
    {
      ...{ cell: "worse", name: "worse", round: 2, images: 64 },
      reason: 'worse than "leader": p = 0.000152 < 0.00625',
    },
  ]);
  expect(dropped(run(racing({ level: 0.4 })))).toEqual([[], ["hopeless"], ["worse"]]); // 0.05 each
  expect(dropped(run(racing({ level: 0.44 })))).toEqual([[], ["worse", "hopeless"], []]); // 0.055 each
  expect(dropped(run(racing({ level: 1e-10 })))).toEqual([[], [], ["hopeless"]]);
});

test("the baseline stays however bad, and where more is better the race runs the other way", () => {
  expect(dropped(run(racing())).flat()).not.toContain("plain");
  expect(dropped(run(racing(), -1))).toEqual(dropped(run(racing())));
});

test("halving lets the better half go on, without a test", () => {
  const steps = run(halving());
  expect(dropped(steps)).toEqual([[], ["worse", "hopeless"], ["close"]]);
  expect(steps[1]!.drops[0]!.reason).toBe("rank 3 of 4, of which 2 go on");
  expect(dropped(run(halving({ keep: 0.9 })))).toEqual([[], [], []]);
});

test("cells are ranked on the images they share: failed rows spare nobody the hard images", () => {
  const hard = (image: string) => Number.parseInt(image, 10) >= 60;
  const scoresOf: Record<string, (image: string) => number | undefined> = {
    plain: (image) => (hard(image) ? 0.5 : 0.1),
    better: (image) => (hard(image) ? 0.4 : 0.05),
    spared: (image) => (hard(image) ? undefined : 0.2), // its mean is the least, though it is the worst wherever it answered
  };
  const contest: Contest = {
    cells: Object.keys(scoresOf).map((name) => ({ name, id: name, baseline: "plain" }) as PlannedCell),
    ...{ images, round: 1, lowerIsBetter: () => true },
    scores: ({ id }) =>
      new Map(
        images.flatMap((image): [string, number][] => {
          const score = scoresOf[id]!(image);
          return score === undefined ? [] : [[image, score]];
        }),
      ),
  };
  expect(standings(contest, undefined).map(({ cell, images }) => [cell.name, images])).toEqual([
    ["better", 120],
    ["plain", 120],
    ["spared", 60],
  ]);
  expect(halving()({ ...contest })!.drops.map(({ name }) => name)).toEqual(["spared"]);
});

test("the rule and its numbers are described", () => {
  expect(racing({ level: 0.1, figure: "Recall" }).description).toMatchObject({
    level: 0.1,
    figure: "Recall",
  });
  expect(() => racing({ level: 5 })).toThrow("level is 5");
  expect(() => halving({ keep: 1 })).toThrow("keep is 1");
  expect(() => run(racing({ rounds: [50, 10] }))).toThrow("rounds are 50, 10");
});
