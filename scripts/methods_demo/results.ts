/** What `scripts/methods_demo.ts` measures: `docs/methods_demo.json`, from which the tables of `docs/methods.md` are made. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./settings";

export const resultsFile = join(__dirname, "../../docs/methods_demo.json");

export interface DemoResults {
  versions: Record<string, string>;
  device: string;
  checkpoint: { fingerprint: string; dtype: string };
  captions: Measured;
  answers: Measured;
}

export interface Measured {
  images: number;
  questions?: number;
  /** The baseline first. */
  rows: MeasuredRow[];
}

export interface MeasuredRow extends Setting {
  values: Record<string, number | null>;
  intervals: Record<string, [number, number] | null>;
  /** Captions or answers that are not the baseline's, word for word. */
  changed: number;
  /** By what is compared with: the baseline, and for contrasts under sampling the plausibility constraint alone. */
  against: Partial<Record<"baseline" | "control", Difference>>;
}

/** In the metric that the paired test is about. */
export interface Difference {
  difference: number | null;
  interval: [number, number] | null;
  /** Of Wilcoxon's signed-rank test over images; null: no image differs. */
  p: number | null;
}

export function readResults(): DemoResults {
  return JSON.parse(readFileSync(resultsFile, "utf8"));
}
