import { type Figures, share } from "../figure";

/** CHAIR's six as PAI prints them, and beside them what shortening or repeating a caption shows in. */
export const chairFigures: Figures = {
  CHAIRs: share("lower"),
  CHAIRi: share("lower"),
  Recall: share("higher"),
  Precision: share("higher"),
  F1: share("higher"),
  Len: { unit: "", scale: 100, better: "higher" }, // a hundredth of the mean number of words, as in PAI's files
  Mentions: { unit: "", scale: 1, better: "higher" },
  Distinct1: share("higher"),
  Distinct2: share("higher"),
};
