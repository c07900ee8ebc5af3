import { ParameterError } from "../../methods";

/** `start`, `start + step` … up to and with `end`, each the decimal number it looks like: 0.3, not 0.30000000000000004. */
export function range(start: number, end: number, step: number): number[] {
  const steps = (end - start) / step;
  if (!Number.isFinite(steps) || steps < 0 || steps > 10_000) {
    throw new ParameterError(
      `The range ${start}:${end}:${step} (start:end:step) has no values; its step must lead from the start to the end.`,
    );
  }
  const digits = Math.max(decimals(start), decimals(step));
  return Array.from({ length: Math.floor(steps + 1e-9) + 1 }, (_, i) =>
    Number((start + i * step).toFixed(digits)),
  );
}

function decimals(value: number): number {
  const [, fraction = "", exponent = "0"] = /^-?\d+(?:\.(\d+))?(?:e(-?\d+))?$/.exec(String(value)) ?? [];
  return Math.max(0, fraction.length - Number(exponent));
}
