/** A picture of results, to be written as SVG and PNG. */
export interface Drawing {
  /** File name without its ending. */
  name: string;
  svg: string;
}
