import { DataError } from "../../base/data_error";
import { type AmberQuery, annotatedQueries } from "../amber/folder";

/** What questions are about. Attribute, which AMBER has figures of, is state, number and action together. */
export const amberTypes = ["existence", "state", "number", "action", "relation"] as const;

export type AmberType = (typeof amberTypes)[number];

/** A yes/no question. */
export interface AmberQuestion extends AmberQuery {
  type: AmberType;
  truth: "yes" | "no";
}

/**
 * AMBER's questions, from whichever of its `query_discriminative*.json` the folder has: the one of this name holds all,
 * `-existence`, `-attribute` and `-relation` their parts. @throws DataError
 */
export function readAmberQuestions(folder: string): AmberQuestion[] {
  return annotatedQueries(folder, "query_discriminative").map(({ query, annotation: { place, value } }) => {
    const type = TYPES.get(value.type);
    const { truth } = value;
    if (type === undefined || (truth !== "yes" && truth !== "no"))
      throw new DataError(
        `${place}: id ${query.id} asks yes or no; expected the truth, yes or no, and a type, one of ` +
          `${[...TYPES.keys()].join(", ")}.`,
      );
    return { ...query, type, truth };
  });
}

/** As `annotations.json` names them. Relations whose truth is no and those whose truth is yes have two names. */
const TYPES: ReadonlyMap<unknown, AmberType> = new Map<unknown, AmberType>([
  ["discriminative-hallucination", "existence"],
  ["discriminative-attribute-state", "state"],
  ["discriminative-attribute-number", "number"],
  ["discriminative-attribute-action", "action"],
  ["discriminative-relation", "relation"],
  ["relation", "relation"],
]);
