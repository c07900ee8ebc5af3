import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fixture } from "../../fixtures/unpack";

/** A folder with AMBER's own annotations and queries. */
export function amberFolder(): string {
  const names = ["annotations.json", "query_generative.json", "query_discriminative.json"];
  return folderOf(Object.fromEntries(names.map((name) => [name, fixture(`amber/${name}`)])));
}

/** A folder with these files: a string as it is, anything else as JSON. */
export function folderOf(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), "aai-test-"));
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}

/** What is asked in the set of that number: not all of AMBER. */
export function answeredIn<Query extends { id: number }>(set: number, queries: readonly Query[]): Query[] {
  const responses: { id: number }[] = JSON.parse(fixture(`amber/responses.${set}.json`));
  const ids = new Set(responses.map(({ id }) => id));
  return queries.filter(({ id }) => ids.has(id));
}

/** A percentile of unsorted values, linear between them. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (place - Math.floor(place)) * (high - low);
}
