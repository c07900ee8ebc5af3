import type { Settings } from "./settings";

/** A place in a space: settings, and the values that the axes have there. */
export interface Point {
  settings: Settings;
  at: Readonly<Record<string, unknown>>;
  name?: string;
}
