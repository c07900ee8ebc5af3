import { seededRandom } from "../base/random";
import { type MetricValues, type Tally, weightedSums } from "./tally";

export type Interval = [low: number, high: number];
export type Intervals = Record<string, Interval | null>;

export interface BootstrapOptions {
  resamples?: number; // default 10,000
  seed?: number; // default 0
  level?: number; // default 0.95
}

/** Percentile bootstrap intervals over images (Efron 1979): whole images are drawn, with all their rows. */
export function bootstrap(tally: Tally, options: BootstrapOptions = {}): Intervals {
  return intervals([tally], ([values]) => values!, options);
}

/**
 * Intervals of the differences b − a, metric by metric. Both are evaluated on the same drawn images, so what makes an
 * image hard for both cancels. The tallies must list the same images in the same order.
 */
export function pairedBootstrap(a: Tally, b: Tally, options: BootstrapOptions = {}): Intervals {
  return intervals([a, b], ([before, after]) => differences(before!, after!), options);
}

/** b − a, null where either is. */
export function differences(a: MetricValues, b: MetricValues): MetricValues {
  const result: MetricValues = {};
  for (const name in a) {
    const before = a[name]!;
    const after = b[name] ?? null;
    result[name] = before === null || after === null ? null : after - before;
  }
  return result;
}

function intervals(
  tallies: Tally[],
  evaluate: (values: MetricValues[]) => MetricValues,
  { resamples = 10_000, seed = 0, level = 0.95 }: BootstrapOptions,
): Intervals {
  const images = tallies[0]!.ids.length;
  const random = seededRandom(seed);
  const drawn = new Uint32Array(images); // how often each image is in the resample
  const samples = new Map<string, number[]>();
  for (let r = 0; r < resamples; r++) {
    drawn.fill(0);
    for (let i = 0; i < images; i++) drawn[random.below(images)]!++;
    const values = evaluate(tallies.map((tally) => tally.metrics(weightedSums(tally, drawn))));
    for (const name in values) collect(samples, name, values[name]!);
  }
  return Object.fromEntries([...samples].map(([name, values]) => [name, percentiles(values, level)]));
}

function collect(samples: Map<string, number[]>, name: string, value: number | null): void {
  const values = samples.get(name);
  if (!values) samples.set(name, value === null ? [] : [value]);
  else if (value !== null) values.push(value);
}

function percentiles(values: number[], level: number): Interval | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return [quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)];
}

/** Linear between order statistics, as numpy.quantile. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const low = Math.floor(position);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!);
}
