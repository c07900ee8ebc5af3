/** What is measured while a model writes, and drawn for people. */
export { type AttentionOverlay, type AttentionOverlayRequest, attentionOverlay } from "./attention_overlay";
