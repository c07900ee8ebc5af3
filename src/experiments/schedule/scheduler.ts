import type { PlannedCell } from "../plan";

/** Decides which cells see which images; called before the first round and after every round. */
export interface Scheduler {
  (contest: Contest): Step | undefined;
  /** Recorded in the sweep's folder: the rule, and its numbers. */
  readonly description?: Readonly<Record<string, unknown>>;
}

/** What a scheduler decides by. It must depend on nothing else: a sweep that goes on asks it from the beginning again. */
export interface Contest {
  /** Those not dropped so far, the baseline among them. */
  readonly cells: readonly PlannedCell[];
  /** All images, in the order of the data. */
  readonly images: readonly string[];
  /** Rounds that were run. */
  readonly round: number;
  /** The cell's mean score on each image it has answered. @param figure such as "CHAIRi"; default: the metric's own */
  scores(cell: PlannedCell, figure?: string): ReadonlyMap<string, number>;
  /** Whether less is better. @param figure default: the metric's own */
  lowerIsBetter(figure?: string): boolean;
}

/** The next round: these images for every cell that is not dropped now. */
export interface Step {
  images: readonly string[];
  drops: readonly Drop[];
}

/** A cell that sees no more images, and why. */
export interface Drop {
  /** The cell's id and name. */
  cell: string;
  name: string;
  /** After which round, from 1. */
  round: number;
  /** Images it was judged on. */
  images: number;
  reason: string;
}

/** Every cell sees every image. */
export const everything: Scheduler = Object.assign(
  ({ round, images }: Contest) => (round === 0 ? { images, drops: [] } : undefined),
  { description: { rule: "everything" } },
);
