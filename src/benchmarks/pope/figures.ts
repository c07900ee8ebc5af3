import { type Figures, share } from "../figure";

/** Each stands for every split, as "random accuracy", and for their mean. */
export const popeFigures: Figures = {
  accuracy: share("higher"),
  precision: share("higher"),
  recall: share("higher"),
  F1: share("higher"),
  yesRatio: share("higher"),
  invalidRate: share("lower"),
};
