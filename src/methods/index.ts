/** What may be done to decoding, on each of the three axes. */
export * from "./attention";
export * from "./contrast";
export { ParameterError } from "./describe/refuse";
export type { MethodTarget } from "./describe/target";
export * from "./plugin";
export {
  type Attention,
  type AttentionMethod,
  attentions,
  type Contrast,
  contrasts,
  none,
  type Search,
  searches,
} from "./registry";
export * from "./search";
