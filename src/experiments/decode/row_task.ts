import type { RowRequest } from "../../client";
import type { Contrast, Search } from "../../methods";

/** One row to write, and what its record says besides the answer. */
export interface RowTask {
  /** Unique in the run. */
  key: string;
  request: RowRequest;
  search: Search;
  contrast: Contrast | undefined;
  fields: Record<string, unknown>;
}
