/** Runs of decoder layers, each `[start, end)`. */
export type LayerRuns = [number, number][];

/** What was done to one row, as its record says it. */
export interface RowAttestation {
  edits: { method: string; layers: LayerRuns; steps: number; constantReference: boolean }[];
  contrast?: { method: string; steps: number; changed: number; overruled: number };
}

/** One line of samples.jsonl. `key` is unique in an experiment. */
export interface RowRecord {
  key: string;
  status: "done" | "failed";
  /** Absent where nothing was done to its row. */
  attestation?: RowAttestation;
  [field: string]: unknown;
}
