/**
 * McNemar's exact test for two runs judged right or wrong on the same items: the two-sided binomial test of the items
 * that changed, as SciPy's `binomtest(min(fixed, broken), fixed + broken)`. 1 if nothing changed.
 */
export function mcnemar(fixed: number, broken: number): number {
  const changed = fixed + broken;
  let tail = 0;
  for (let k = 0; k <= Math.min(fixed, broken); k++)
    tail += Math.exp(logChoose(changed, k) - changed * Math.LN2);
  return Math.min(1, 2 * tail);
}

/**
 * Wilcoxon's signed-rank test, two-sided, of paired differences, as SciPy's
 * `wilcoxon(differences, zero_method="wilcox", correction=False)`: zeros are dropped; exact for at most 50 differences
 * without ties or zeros, else the normal approximation with tie correction. (SciPy counts all sign patterns for ties
 * among at most 13; so do we.) null if every difference is zero.
 */
export function wilcoxon(differences: readonly number[]): number | null {
  const nonZero = differences.filter((d) => d !== 0);
  if (nonZero.length === 0) return null;
  const { ranks, tied, tieCorrection } = averageRanks(nonZero.map(Math.abs));
  const positive = ranks.reduce((sum, rank, i) => (nonZero[i]! > 0 ? sum + rank : sum), 0);
  const clean = !tied && nonZero.length === differences.length;
  if (differences.length <= 13 || (clean && differences.length <= 50)) return exact(ranks, positive);
  const n = nonZero.length;
  const mean = (n * (n + 1)) / 4;
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1) - tieCorrection / 2) / 24);
  return 2 * upperTail(Math.abs(positive - mean) / deviation);
}

/**
 * Holm's step-down adjustment (1979) of p-values of one family, as R's `p.adjust(p, "holm")`: rejecting those below a level
 * keeps the chance of any false rejection below it. null stays null and is no member of the family.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues
    .map((p, i) => [p, i] as const)
    .filter((entry): entry is readonly [number, number] => entry[0] !== null)
    .sort(([a], [b]) => a - b);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let largest = 0;
  order.forEach(([p, i], rank) => {
    largest = Math.max(largest, Math.min(1, (order.length - rank) * p));
    adjusted[i] = largest;
  });
  return adjusted;
}

function logChoose(n: number, k: number): number {
  let log = 0;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return log;
}

function averageRanks(values: number[]): { ranks: number[]; tied: boolean; tieCorrection: number } {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length);
  let tieCorrection = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (const i of order.slice(start, end)) ranks[i] = (start + 1 + end) / 2;
    const ties = end - start;
    tieCorrection += ties ** 3 - ties;
    start = end;
  }
  return { ranks, tied: tieCorrection > 0, tieCorrection };
}

/** The distribution of the positive ranks' sum if every sign is a fair coin; ranks are doubled to be whole numbers. */
function exact(ranks: number[], positive: number): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const total = doubled.reduce((sum, rank) => sum + rank, 0);
  const probability = new Float64Array(total + 1);
  probability[0] = 1;
  for (const rank of doubled) {
    for (let sum = total; sum >= 0; sum--) {
      probability[sum] = 0.5 * probability[sum]! + (sum >= rank ? 0.5 * probability[sum - rank]! : 0);
    }
  }
  const observed = Math.round(2 * positive);
  const low = probability.subarray(0, observed + 1).reduce((sum, p) => sum + p, 0);
  const high = probability.subarray(observed).reduce((sum, p) => sum + p, 0);
  return Math.min(1, 2 * Math.min(low, high));
}

/** P(Z > z) of the standard normal, z >= 0, to a relative 1e-13: series near 0, continued fraction (Lentz) beyond. */
function upperTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let k = 1; Math.abs(term) > 1e-17 * sum; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = 0;
  for (let k = 200; k >= 1; k--) fraction = k / (z + fraction);
  return density / (z + fraction);
}
