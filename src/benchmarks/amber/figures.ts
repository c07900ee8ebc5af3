import { type Figures, share } from "../figure";

/** The four of AMBER's generative part. */
export const amberFigures: Figures = {
  CHAIR: share("lower"),
  Cover: share("higher"),
  Hal: share("lower"),
  Cog: share("lower"),
};
