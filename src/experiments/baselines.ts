import { someOf } from "../base/some_of";
import { ParameterError } from "../methods";
import type { Cell } from "./space/cells";
import type { StoredExperiment } from "./store/folder";

/** The sweep, in which the cells of a named cell's checkpoint are all compared with it. @throws ParameterError */
export function withBaselines(sweep: StoredExperiment, names: readonly string[]): StoredExperiment {
  requireBaselines(sweep.cells, names);
  const chosen = sweep.cells.filter(({ name }) => names.includes(name));
  const cells = sweep.cells.map((cell) => {
    const baseline = chosen.find(({ settings }) => settings.checkpoint === cell.settings.checkpoint)?.id;
    return { ...cell, baseline: baseline ?? cell.baseline };
  });
  return { ...sweep, cells };
}

/** @throws ParameterError where a name is no cell's, or two are of one checkpoint */
export function requireBaselines(cells: readonly Cell[], names: readonly string[]): void {
  const unknown = names.find((name) => cells.every((cell) => cell.name !== name));
  if (unknown !== undefined) {
    throw new ParameterError(
      `The baseline "${unknown}" is no cell of the sweep; its cells are ${someOf(cells.map(({ name }) => `"${name}"`))}.`,
    );
  }
  const checkpoints = new Map<string | undefined, string>();
  for (const { name, settings } of cells.filter((cell) => names.includes(cell.name))) {
    const other = checkpoints.get(settings.checkpoint);
    if (other !== undefined)
      throw new ParameterError(
        `The baselines "${other}" and "${name}" are of one checkpoint; name one of them.`,
      );
    checkpoints.set(settings.checkpoint, name);
  }
}
