import { createHash } from "node:crypto";
import { identityOf } from "../base/identity";
import type { Model } from "../client";
import { type Attention, none, ParameterError } from "../methods";
import { resolveAttention, resolveContrast } from "../methods/registry";
import type { SweepData, SweepItem } from "./data";
import type { RowTask } from "./decode/decode_rows";
import type { Cell } from "./space/cells";
import { plain } from "./space/settings";
import type { RunAttestation } from "./store/attestation";
import { processorsOf } from "./store/context";

/** A cell as a model decodes it. */
export interface PlannedCell extends Cell {
  /** Hash of all that changes its answers, and of nothing else. */
  id: string;
  /** Id of the cell that it is compared with: its own where it is a baseline itself. */
  baseline: string;
  /** What its checkpoint's generation_config.json does to logits, where it does anything. */
  processors?: Record<string, unknown>;
  /** What its edits and contrast did, in the answers that the sweep needs; once the sweep has ended. */
  attestation?: RunAttestation;
}

/**
 * The cells of one model; those that mean the same to it become one. Each is compared with the plain cell (no edit, no
 * contrast) of its search, prompt and template, or all with the one that `baselines` names.
 * @throws ParameterError naming the cell that the model cannot decode
 */
export function planCells(
  cells: readonly Cell[],
  model: Model,
  data: SweepData,
  baselines: readonly string[] = [],
): PlannedCell[] {
  const planned = new Map<string, PlannedCell>();
  const named = cells.find(({ name }) => baselines.includes(name));
  const chosen = named && cellIdentity(named, model, data);
  for (const cell of cells) {
    const id = cellIdentity(cell, model, data);
    const known = planned.get(id);
    const own = () => cellIdentity({ ...cell, settings: plain(cell.settings) }, model, data);
    if (known) known.points = [...known.points, ...cell.points];
    else planned.set(id, { ...cell, id, baseline: chosen ?? own() });
  }
  const processors = processorsOf(model.description);
  return [...planned.values()].map((cell) => ({ ...cell, ...(processors && { processors }) }));
}

/** Whether others are compared with it. */
export function isBaseline({ id, baseline }: Pick<PlannedCell, "id" | "baseline">): boolean {
  return baseline === id;
}

/** The row that answers an item under a cell. */
export function rowTask(cell: PlannedCell, item: SweepItem, data: SweepData): RowTask {
  const { attention = none, contrast, search, prompt = data.prompt, template } = cell.settings;
  return {
    key: recordKey(cell, item),
    request: {
      image: item.path,
      prompt: prompt.replaceAll("{question}", () => item.question),
      template,
      attention,
    },
    search,
    contrast: contrast === none ? undefined : contrast,
    fields: { cell: cell.id, item: item.id, ...item.fields },
  };
}

export function recordKey(cell: { id: string }, item: { id: string }): string {
  return `${cell.id} ${item.id}`;
}

function cellIdentity({ name, settings }: Cell, model: Model, data: SweepData): string {
  const { attention = none, contrast, search, prompt = data.prompt, template } = settings;
  try {
    return identityOf({
      checkpoint: { fingerprint: model.fingerprint, dtype: model.dtype },
      prompt,
      template,
      attention: editsOf(attention, model),
      contrast: contrast === none ? none : resolveContrast(contrast, model.description),
      search,
      ...(data.probes.length > 0 && { probes: data.probes }),
    }).slice(0, 12);
  } catch (error) {
    if (error instanceof ParameterError) throw new ParameterError(`Cell "${name}": ${error.message}`);
    throw error;
  }
}

function editsOf(attention: Attention, { description }: Model): unknown {
  if (attention === none) return none;
  const methods = "parameters" in attention ? [attention] : attention;
  return methods.map((method) => {
    const parameters = resolveAttention(method, description);
    const reference = "reference" in method ? method.reference : undefined;
    return {
      parameters,
      ...(reference && { reference: createHash("sha256").update(bytesOf(reference)).digest("hex") }),
    };
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
