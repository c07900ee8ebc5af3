/** The search axis: how tokens are picked. */
import { type Beam, type BeamOptions, beam } from "./beam";
import { type Greedy, type GreedyOptions, greedy } from "./greedy";
import { type Opera, type OperaOptions, opera } from "./opera";
import { type SampleOptions, type Sampling, sample } from "./sample";

/** Every search by its name. */
export const searches = { greedy, sample, beam, opera };

export type Search = Greedy | Sampling | Beam | Opera;

export {
  type Beam,
  type BeamOptions,
  beam,
  type Greedy,
  type GreedyOptions,
  greedy,
  type Opera,
  type OperaOptions,
  opera,
  type SampleOptions,
  type Sampling,
  sample,
};
