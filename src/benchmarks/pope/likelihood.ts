/** Yes and no as a tokenizer may know them, pairwise: some begin a word with its space, some do not. */
const wordings = [
  ["Yes", " Yes", "yes", " yes"],
  ["No", " No", "no", " no"],
] as const;

/** What to probe, to answer by likelihood. */
export const likelihoodProbes: readonly string[] = wordings.flat();

/** Logits of the probes, in order -> the word whose best wording is likelier. */
export function likelier(logits: readonly number[]): string {
  const count = wordings[0].length;
  const pairs = wordings[0].map((_, i) => [logits[i]!, logits[count + i]!] as const);
  // Where both begin with the same token (a bare space), that token says nothing.
  const telling = pairs.filter(([yes, no]) => yes !== no);
  return Math.max(...telling.map(([yes]) => yes)) > Math.max(...telling.map(([, no]) => no)) ? "Yes" : "No";
}
