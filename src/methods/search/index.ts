/** The search axis: how tokens are picked. One line a method. */
export { beam } from "./beam";
export { greedy } from "./greedy";
export { opera } from "./opera";
export { sample } from "./sample";
