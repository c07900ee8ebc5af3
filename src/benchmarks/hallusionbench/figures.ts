import { type Figures, share } from "../figure";

/** Of the two of bias the best is 0 and the balance of the questions; above it a model says yes too often. */
export const hallusionFigures: Figures = {
  aAcc: share("higher"),
  fAcc: share("higher"),
  qAcc: share("higher"),
  pctDiff: share("lower"),
  fpRatio: share("lower"),
};
