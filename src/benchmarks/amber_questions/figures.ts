import { type Figures, share } from "../figure";

/** Each stands for every type, as "existence accuracy", and for all questions. */
export const amberQuestionFigures: Figures = {
  accuracy: share("higher"),
  precision: share("higher"),
  recall: share("higher"),
  F1: share("higher"),
  invalidRate: share("lower"),
};
