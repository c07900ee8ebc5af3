/** A piece of a caption; `mark` says whether an object word names something that is in the image. */
export interface CaptionPart {
  text: string;
  mark?: "hallucinated" | "supported" | undefined;
}
