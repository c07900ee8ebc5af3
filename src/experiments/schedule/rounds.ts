import { seededRandom, shuffled } from "../../base/random";
import { ParameterError } from "../../methods";
import type { PlannedCell } from "../plan";
import type { Contest } from "./scheduler";

/** Images are shuffled once, so that early rounds are a fair sample. */
const seed = 0;

/** The images of the first `count`, in the order in which rounds take them. */
export function firstImages(images: readonly string[], count: number): string[] {
  return shuffled(images, seededRandom(seed)).slice(0, count);
}

/** Numbers of images seen after each round, the last being all: as given, or doubling from 32. @throws ParameterError */
export function roundSizes(given: readonly number[] | undefined, total: number): number[] {
  const sizes = given ?? Array.from({ length: 32 }, (_, i) => 32 * 2 ** i);
  if (sizes.some((size, i) => !Number.isInteger(size) || size < 1 || (i > 0 && size <= sizes[i - 1]!))) {
    throw new ParameterError(`rounds are ${sizes.join(", ")}; expected growing numbers of images.`);
  }
  return [...sizes.filter((size) => size < total), total];
}

/** What separates a cell's scores from another's on the images that both have answered, so that above 0 is worse. */
export function paired(
  contest: Contest,
  scores: ReadonlyMap<string, number>,
  others: ReadonlyMap<string, number>,
  figure: string | undefined,
): number[] {
  const sign = contest.lowerIsBetter(figure) ? 1 : -1;
  return [...scores]
    .filter(([image]) => others.has(image))
    .map(([image, score]) => sign * (score - others.get(image)!));
}

/** A cell's place in a contest. */
export interface Standing {
  cell: PlannedCell;
  /** Images it is ranked by. */
  images: number;
}

/**
 * The cells best first, by their mean difference from the one with most answers, on the images that both have answered:
 * where rows failed, nobody gains by being spared the hard images. Cells without an answer stand last.
 */
export function standings(contest: Contest, figure: string | undefined): Standing[] {
  const scored = contest.cells.map((cell) => ({ cell, scores: contest.scores(cell, figure) }));
  const fullest = scored.reduce((most, one) => (one.scores.size > most.scores.size ? one : most));
  const ranked = scored.map(({ cell, scores }) => {
    const differences = paired(contest, scores, fullest.scores, figure);
    return { cell, images: differences.length, value: mean(differences) };
  });
  const answered = ranked.filter(({ images }) => images > 0).sort((a, b) => a.value - b.value);
  return [...answered, ...ranked.filter(({ images }) => images === 0)];
}

export function mean(values: Iterable<number>): number {
  const all = [...values];
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}
