import type { CellResult } from "./result";

/** Shares in per cent; CHAIR's Len times 100 is the number of words. */
export function percent({ figures }: CellResult, name: string): number {
  return 100 * (figures[name] ?? Number.NaN);
}

export function percentInterval({ intervals }: CellResult, name: string): [number, number] | null {
  const interval = intervals[name];
  return interval ? [100 * interval[0], 100 * interval[1]] : null;
}
