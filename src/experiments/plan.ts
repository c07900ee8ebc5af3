import { createHash } from "node:crypto";
import { identityOf } from "../base/identity";
import type { BenchmarkData, BenchmarkItem } from "../benchmarks";
import type { Model } from "../client";
import { type Attention, none, ParameterError } from "../methods";
import { resolveAttention, resolveContrast } from "../methods/registry";
import type { RowTask } from "./decode/row_task";
import type { Cell } from "./space/cells";
import { plain } from "./space/settings";
import type { AnswersAttestation } from "./store/attestation";
import { processorsOf } from "./store/context";

/** A cell as a model decodes it. */
export interface PlannedCell extends Cell {
  /** Hash of `decoding`. */
  id: string;
  /** All that changes its answers, and nothing else, as the model resolves it. */
  decoding: Decoding;
  /** Id of the cell that it is compared with: its own where it is a baseline itself. */
  baseline: string;
  /** What its checkpoint's generation_config.json does to logits, where it does anything. */
  processors?: Record<string, unknown>;
  /** What its edits and contrast did, in the answers that the experiment needs; once it has ended. */
  attestation?: AnswersAttestation;
}

/** What two cells have alike where they are one: whichever command, folder or name they stand under. */
interface Decoding extends Readonly<Record<string, unknown>> {
  checkpoint: { fingerprint: string; dtype: string };
  prompt: string;
}

/**
 * The cells of one model; those that mean the same to it become one. Each is compared with the plain cell (no edit, no
 * contrast) of its search, prompt and template, or all with the one that `baselines` names.
 * @throws ParameterError naming the cell that the model cannot decode
 */
export function planCells(
  cells: readonly Cell[],
  model: Model,
  data: BenchmarkData,
  baselines: readonly string[] = [],
): PlannedCell[] {
  const planned = new Map<string, PlannedCell>();
  const named = cells.find(({ name }) => baselines.includes(name));
  const idOf = (cell: Cell) => cellId(decodingOf(cell, model, data));
  const chosen = named && idOf(named);
  for (const cell of cells) {
    const decoding = decodingOf(cell, model, data);
    const id = cellId(decoding);
    const known = planned.get(id);
    const own = () => idOf({ ...cell, settings: plain(cell.settings) });
    if (known) known.points = [...known.points, ...cell.points];
    else planned.set(id, { ...cell, id, decoding, baseline: chosen ?? own() });
  }
  const processors = processorsOf(model.description);
  return [...planned.values()].map((cell) => ({ ...cell, ...(processors && { processors }) }));
}

/** Whether others are compared with it. */
export function isBaseline({ id, baseline }: Pick<PlannedCell, "id" | "baseline">): boolean {
  return baseline === id;
}

/** The row that answers an item under a cell. */
export function rowTask(cell: PlannedCell, item: BenchmarkItem, data: BenchmarkData): RowTask {
  const { attention = none, contrast, search, prompt = data.prompt, template } = cell.settings;
  return {
    key: recordKey(cell, item),
    request: {
      ...(item.path && { image: item.path }),
      prompt: item.question === "" ? prompt : prompt.replaceAll("{question}", () => item.question),
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

function cellId(decoding: Decoding): string {
  return identityOf(decoding).slice(0, 12);
}

function decodingOf({ name, settings }: Cell, model: Model, data: BenchmarkData): Decoding {
  const { attention = none, contrast, search, prompt = data.prompt, template } = settings;
  if ("numReturn" in search && search.numReturn > 1)
    throw new ParameterError(
      `Cell "${name}": numReturn is ${search.numReturn}; an experiment records one answer a row.`,
    );
  try {
    return {
      checkpoint: { fingerprint: model.fingerprint, dtype: model.dtype },
      prompt,
      template,
      attention: editsOf(attention, model),
      contrast: contrast === none ? none : resolveContrast(contrast, model.description),
      search,
      ...(data.probes.length > 0 && { probes: data.probes }),
    };
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
