/** The search axis: how tokens are picked. */
import { type Greedy, type GreedyOptions, greedy } from "./greedy";

export type Search = Greedy;

export { type Greedy, type GreedyOptions, greedy };
