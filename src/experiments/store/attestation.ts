import { groups } from "../../base/groups";
import type { AttestedEvent } from "../../client";
import type { LayerRuns, RowAttestation, RowRecord } from "./record";

/** What was done to the answers of a run: proof that its methods acted, and where. */
export interface AnswersAttestation {
  /** All there are. A method counts fewer rows where a version that recorded nothing of this wrote some of them. */
  answers: number;
  /** In the order in which they apply. */
  edits: EditAttestation[];
  contrasts: ContrastAttestation[];
}

export interface EditAttestation {
  method: string;
  rows: number;
  /** Those in which it acted in any step. */
  rowsEdited: number;
  /** Decoder layers in which it acted in any row. */
  layers: LayerRuns;
  /** Decoding steps of a row in which it acted. */
  steps: { min: number; max: number };
  /** Rows whose vision reference had (nearly) the same value for every image token. */
  constantReferences: number;
}

interface ContrastAttestation {
  method: string;
  rows: number;
  /** Decoding steps of all rows in which it combined the logits. */
  steps: number;
  /** Those in which any logit came out changed. */
  changed: number;
  /** Those in which another token came out as the likeliest. */
  overruled: number;
}

/** By the records of a run, whichever session wrote them; failed ones do not count. */
export function attestationOf(records: Iterable<RowRecord>): AnswersAttestation {
  const done = [...records].filter(({ status }) => status === "done");
  return sumUp(done.map(({ attestation = { edits: [] } }) => attestation));
}

export function sumUp(rows: readonly RowAttestation[]): AnswersAttestation {
  const edits = rows.flatMap((row) => row.edits.map((edit, place) => ({ ...edit, place })));
  const contrasts = rows.flatMap(({ contrast }) => contrast ?? []);
  return {
    answers: rows.length,
    edits: groups(edits, ({ place, method }) => `${place} ${method}`).map(sumUpEdit),
    contrasts: groups(contrasts, ({ method }) => method).map(sumUpContrast),
  };
}

export function rowAttestation({ edits, contrast }: AttestedEvent): RowAttestation {
  return {
    edits: edits.map(({ method, layers, steps, constantReference }) => {
      return { method, layers: runsOf(layers), steps, constantReference };
    }),
    ...(contrast && { contrast: counts(contrast) }),
  };
}

function counts({ method, steps, changed, overruled }: NonNullable<AttestedEvent["contrast"]>) {
  return { method, steps, changed, overruled };
}

function sumUpEdit(rows: RowAttestation["edits"]): EditAttestation {
  const steps = rows.map((row) => row.steps).sort((a, b) => a - b);
  return {
    method: rows[0]!.method,
    rows: rows.length,
    rowsEdited: steps.filter((count) => count > 0).length,
    layers: runsOf(rows.flatMap(({ layers }) => layers.flatMap(layersIn))),
    steps: { min: steps[0]!, max: steps.at(-1)! },
    constantReferences: rows.filter(({ constantReference }) => constantReference).length,
  };
}

function sumUpContrast(rows: NonNullable<RowAttestation["contrast"]>[]): ContrastAttestation {
  const sum = (count: "steps" | "changed" | "overruled") =>
    rows.reduce((total, row) => total + row[count], 0);
  return {
    ...{ method: rows[0]!.method, rows: rows.length },
    ...{ steps: sum("steps"), changed: sum("changed"), overruled: sum("overruled") },
  };
}

function runsOf(layers: readonly number[]): LayerRuns {
  const runs: LayerRuns = [];
  for (const layer of [...new Set(layers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === layer) last[1]++;
    else runs.push([layer, layer + 1]);
  }
  return runs;
}

function layersIn([start, end]: readonly [number, number]): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
