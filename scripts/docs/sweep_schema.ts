import { z } from "zod";
import { sweepSpec } from "../../src/experiments/spec/spec";

/** The JSON schema of sweep files, from `src/experiments/spec/spec.ts`. */
export function sweepSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(sweepSpec(), { reused: "ref" }), null, 1)}\n`;
}
