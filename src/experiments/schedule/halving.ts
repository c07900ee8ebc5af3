import { ParameterError } from "../../methods";
import { isBaseline } from "../plan";
import { firstImages, roundSizes, standings } from "./rounds";
import type { Contest, Scheduler } from "./scheduler";

export interface HalvingOptions {
  /** What cells are ranked by, image by image. Default: the metric's own. */
  figure?: string;
  /** Share of the cells that go on after each round. Default 0.5. */
  keep?: number;
  /** Images seen after each round. Default 32, 64, 128 …; the last round sees all. */
  rounds?: readonly number[];
}

/**
 * Successive halving (Jamieson & Talwalkar 2016): after each round the better half by mean score over images goes on. No
 * test is made: a cell may go for bad luck. Baselines always stay. @throws ParameterError
 */
export function halving({ figure, keep = 0.5, rounds }: HalvingOptions = {}): Scheduler {
  if (!(keep > 0 && keep < 1)) throw new ParameterError(`halving: keep is ${keep}; expected 0 to 1.`);
  const next = (contest: Contest) => {
    const sizes = roundSizes(rounds, contest.images.length);
    const { round } = contest;
    if (round >= sizes.length) return undefined;
    const drops = round === 0 ? [] : beyond(contest, figure, keep);
    return { images: firstImages(contest.images, sizes[round]!), drops };
  };
  return Object.assign(next, {
    description: {
      rule: "halving by mean score",
      keep,
      ...(figure && { figure }),
      ...(rounds && { rounds }),
    },
  });
}

function beyond(contest: Contest, figure: string | undefined, keep: number) {
  const ranked = standings(contest, figure).filter(({ cell }) => !isBaseline(cell));
  const kept = Math.max(1, Math.ceil(keep * ranked.length));
  return ranked.slice(kept).map(({ cell, images }, i) => ({
    ...{ cell: cell.id, name: cell.name, round: contest.round, images },
    reason: `rank ${kept + i + 1} of ${ranked.length}, of which ${kept} go on`,
  }));
}
