import { type Figures, share } from "../figure";

/** Each stands for every task, as "count accuracy", and for all of them, as "total accuracy". */
export const mmeFigures: Figures = {
  accuracy: share("higher"),
  "accuracy+": share("higher"),
  score: { unit: "", scale: 1, better: "higher" },
};
