/** The search axis: how tokens are picked. */
import { type Greedy, type GreedyOptions, greedy } from "./greedy";
import { type SampleOptions, type Sampling, sample } from "./sample";

export type Search = Greedy | Sampling;

export { type Greedy, type GreedyOptions, greedy, type SampleOptions, type Sampling, sample };
