/** Whether version `version` ("2.13.0+cpu") is `minimum` or later, number by number. */
export function atLeast(version: string, minimum: string): boolean {
  const have = numbers(version);
  for (const [index, wanted] of numbers(minimum).entries()) {
    const part = have[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

function numbers(version: string): number[] {
  return version
    .replace(/\+.*/, "")
    .split(".")
    .map((part) => Number.parseInt(part, 10) || 0);
}
