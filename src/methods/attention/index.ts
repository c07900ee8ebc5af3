/** The attention axis: what may be done to pre-softmax logits over image keys. One line a method. */
export { aai } from "./aai";
export { hgai } from "./hgai";
export { pai } from "./pai";
export { paint } from "./paint";
export { vaf } from "./vaf";
