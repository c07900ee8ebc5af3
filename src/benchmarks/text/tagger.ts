import { readAsset } from "../asset";

/**
 * Penn Treebank tags of the tokens of a text: NLTK's averaged perceptron tagger (M. Honnibal), greedy from left to
 * right, with NLTK's weights and its table of unambiguous words. Capital letters count, first ones and in endings.
 */
export function tag(tokens: readonly string[]): string[] {
  const { tagOf } = model();
  const context = ["-START-", "-START2-", ...tokens.map(normalize), "-END-", "-END2-"];
  let previous = "-START-";
  let beforePrevious = "-START2-";
  return tokens.map((token, i) => {
    const tag = tagOf.get(token) ?? predict(token, context, i + 2, previous, beforePrevious);
    beforePrevious = previous;
    previous = tag;
    return tag;
  });
}

interface Asset {
  tags: string[]; // sorted
  features: Record<string, string[]>; // feature -> the values it was seen with
  counts: number[]; // per value, in that order: how many tags it speaks for
  tagIndices: number[]; // those tags
  weights: number[]; // and their weights, in thousandths
  tagOf: Record<string, string>;
}

interface Model {
  tags: string[];
  rowOf: Map<string, number>[]; // per feature, in the order of `featureValues`
  starts: Uint32Array; // [rows + 1] where a row's entries begin
  tagIndices: Uint8Array;
  weights: Float64Array;
  scores: Float64Array; // [tags] scratch
  tagOf: Map<string, string>;
}

let loaded: Model | undefined;

function model(): Model {
  loaded ??= build(readAsset("text/tagger") as Asset);
  return loaded;
}

function build(asset: Asset): Model {
  let row = 0;
  const rowOf = Object.values(asset.features).map((values) => new Map(values.map((value) => [value, row++])));
  const starts = new Uint32Array(asset.counts.length + 1);
  asset.counts.forEach((count, i) => {
    starts[i + 1] = starts[i]! + count;
  });
  return {
    tags: asset.tags,
    rowOf,
    starts,
    tagIndices: Uint8Array.from(asset.tagIndices),
    weights: Float64Array.from(asset.weights, (weight) => weight / 1000),
    scores: new Float64Array(asset.tags.length),
    tagOf: new Map(Object.entries(asset.tagOf)),
  };
}

function normalize(token: string): string {
  if (token.includes("-") && !token.startsWith("-")) return "!HYPHEN";
  if (/^\d{4}$/.test(token)) return "!YEAR";
  if (/^[\p{Nd}²³¹]/u.test(token)) return "!DIGITS";
  return token.toLowerCase();
}

/** Sums the weights in NLTK's order, so that ties fall as they do there: to the tag last in the alphabet. */
function predict(
  token: string,
  context: string[],
  i: number,
  previous: string,
  beforePrevious: string,
): string {
  const { tags, rowOf, starts, tagIndices, weights, scores } = model();
  scores.fill(0);
  featureValues(token, context, i, previous, beforePrevious).forEach((value, feature) => {
    const row = rowOf[feature]!.get(value);
    if (row === undefined) return;
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) {
      scores[tagIndices[entry]!]! += weights[entry]!;
    }
  });
  let best = 0;
  for (let t = 1; t < scores.length; t++) if (scores[t]! >= scores[best]!) best = t;
  return tags[best]!;
}

/** In the order of FEATURES in scripts/build_lexicon.ts. */
function featureValues(
  token: string,
  context: string[],
  i: number,
  previous: string,
  beforePrevious: string,
) {
  const word = context[i]!;
  const before = context[i - 1]!;
  const after = context[i + 1]!;
  return [
    "", // bias
    token.slice(-3),
    token.slice(0, 1),
    previous,
    beforePrevious,
    `${previous} ${beforePrevious}`,
    word,
    `${previous} ${word}`,
    before,
    before.slice(-3),
    context[i - 2]!,
    after,
    after.slice(-3),
    context[i + 2]!,
  ];
}
