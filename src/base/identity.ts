import { createHash } from "node:crypto";

/** sha256 of a value as JSON with sorted keys: the same for the same settings, in whatever order they were written. */
export function identityOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/** Where two settings differ, as `path: before → after`. */
export function differences(before: unknown, after: unknown, path = ""): string[] {
  if (canonical(before) === canonical(after)) return [];
  if (!isObject(before) || !isObject(after)) return [`${path}: ${canonical(before)} → ${canonical(after)}`];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key));
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner) =>
      isObject(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? "absent"
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
