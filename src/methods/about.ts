/** What a method says of itself: `aai methods` and `docs/methods.md` are made from it. */
export interface About {
  axis: "attention" | "contrast" | "search";
  name: string;
  title: string;
  /** Paper or code that the formula and the defaults come from. */
  source: string;
  formula: string;
  /** What each parameter means. */
  parameters: Record<string, string>;
  /** Their values where none are given; null: known once a model and an image are. */
  defaults: Record<string, unknown>;
  /** Whether every row needs an image. */
  needsImage: boolean;
  /** What it works with, and what not. */
  combines: string;
}

/** Parameters that several methods share. */
export const shared = {
  layers: "decoder layers edited, [start, end) counted from 0",
  imageKeys: "positions of the image tokens, [start, end), where the token ids do not tell",
  beta: "plausibility: tokens below this share of the best one's probability are left out; 0 = none",
  maxNewTokens: "longest answer in tokens",
};

export const editCombines =
  "Any contrast (it edits the main stream only), any search, and other edits: they apply in the order given.";

export const streamCombines = "Any attention edit (on the main stream only) and any search.";
