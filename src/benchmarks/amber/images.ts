import { DataError } from "../../base/data_error";
import { type AmberQuery, annotatedQueries } from "./folder";

/** An image to describe, and what its description is scored by. */
export interface AmberImage extends AmberQuery {
  /** Words for what is in the image. */
  truth: readonly string[];
  /** Words for what models, as its authors found, imagine in it. */
  hallu: readonly string[];
}

/** The images that AMBER asks to describe, from the folder of its files. @throws DataError */
export function readAmberImages(folder: string): AmberImage[] {
  return annotatedQueries(folder, "query_generative").map(({ query, annotation: { place, value } }) => {
    if (!isWords(value.truth) || !isWords(value.hallu))
      throw new DataError(
        `${place}: id ${query.id} asks for a description; expected lists of words, truth and hallu.`,
      );
    return { ...query, truth: value.truth, hallu: value.hallu };
  });
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}
