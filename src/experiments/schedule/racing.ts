import { ParameterError } from "../../methods";
import { wilcoxon } from "../../statistics";
import { isBaseline } from "../plan";
import { firstImages, mean, paired, roundSizes, standings } from "./rounds";
import type { Contest, Drop, Scheduler } from "./scheduler";

export interface RacingOptions {
  /** What is raced on, image by image: CHAIRi, CHAIRs, Recall, F1; POPE accuracy. Default: the metric's own. */
  figure?: string;
  /** Chance of dropping any cell that is no worse than the leader. Default 0.05. */
  level?: number;
  /** Images seen after each round. Default 32, 64, 128 …; the last round sees all. */
  rounds?: readonly number[];
}

/**
 * After each round, cells that are worse than the leader (best mean score over images) by Wilcoxon's signed-rank test on
 * paired images are dropped. The level is divided by the number of tests that the whole race may make (rounds × cells,
 * Bonferroni), since it looks again and again. Baselines always stay. @throws ParameterError
 */
export function racing({ figure, level = 0.05, rounds }: RacingOptions = {}): Scheduler {
  if (!(level > 0 && level < 1)) throw new ParameterError(`racing: level is ${level}; expected 0 to 1.`);
  let tests = 1;
  const next = (contest: Contest) => {
    const sizes = roundSizes(rounds, contest.images.length);
    const { round } = contest;
    if (round === 0) tests = Math.max(1, (sizes.length - 1) * (contest.cells.length - 1));
    if (round >= sizes.length) return undefined;
    const drops = round === 0 ? [] : worse(contest, figure, level / tests);
    return { images: firstImages(contest.images, sizes[round]!), drops };
  };
  return Object.assign(next, {
    description: {
      rule: "racing: worse than the leader, Wilcoxon signed-rank on paired images, Bonferroni over rounds x cells",
      level,
      ...(figure && { figure }),
      ...(rounds && { rounds }),
    },
  });
}

function worse(contest: Contest, figure: string | undefined, level: number): Drop[] {
  const scores = new Map(contest.cells.map((cell) => [cell, contest.scores(cell, figure)]));
  const leader = standings(contest, figure)[0]?.cell ?? contest.cells[0]!;
  return contest.cells.flatMap((cell) => {
    if (cell === leader || isBaseline(cell)) return [];
    const differences = paired(contest, scores.get(cell)!, scores.get(leader)!, figure);
    const p = mean(differences) > 0 ? wilcoxon(differences) : null;
    if (p === null || p >= level) return [];
    const reason = `worse than "${leader.name}": p = ${p.toPrecision(3)} < ${level.toPrecision(3)}`;
    return [{ cell: cell.id, name: cell.name, round: contest.round, images: differences.length, reason }];
  });
}
