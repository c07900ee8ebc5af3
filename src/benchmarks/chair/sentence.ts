import type { Caption } from "./captions";
import type { Mention } from "./reading/read_caption";

/** PAI's keys in PAI's shapes; fractions, not per cent. `mentions` is ours. */
export interface ChairSentence {
  image_id: Caption["image_id"];
  caption: string; // as scored
  mscoco_hallucinated_words: [word: string, object: string][];
  mscoco_gt_words: string[];
  mscoco_generated_words: string[]; // the class of every mention, in order
  hallucination_idxs: number[]; // places in `words`
  words: string[]; // lemmas, pairs merged
  metrics: { CHAIRs: 0 | 1; CHAIRi: number; Recall: number; Precision: number; F1: number; Len: number };
  mentions: ChairMention[];
}

export interface ChairMention extends Omit<Mention, "index"> {
  hallucinated: boolean;
}
