import { harmonicMean, type MetricValues, ratio, type Tally } from "../../statistics/tally";
import type { ChairSentence } from "./sentence";

/**
 * Per image the sums that CHAIR's overall figures are made of.
 *
 * Beside PAI's six: Mentions (object mentions per caption) and Distinct1, Distinct2 (distinct words and pairs of words
 * in a caption, over all of it; mean over captions), because shortening and repeating both lower CHAIR.
 */
export function chairTally(sentences: readonly Sentence[]): Tally {
  const rows = sentences.map(row);
  return {
    ids: sentences.map(({ image_id }) => String(image_id)),
    columns: COLUMNS.length,
    rows: Float64Array.from(rows.flatMap((sums) => COLUMNS.map((column) => sums[column]))),
    metrics,
  };
}

type Sentence = Pick<
  ChairSentence,
  "image_id" | "mscoco_hallucinated_words" | "mscoco_gt_words" | "mscoco_generated_words" | "words"
>;

const COLUMNS = [
  ...(["captions", "bad", "words", "hallucinated", "mentions", "correct", "present", "classes"] as const),
  ...(["distinct1", "has1", "distinct2", "has2"] as const),
];
type Column = (typeof COLUMNS)[number];
const COLUMN = Object.fromEntries(COLUMNS.map((column, i) => [column, i])) as Record<Column, number>;

function row(sentence: Sentence): Record<Column, number> {
  const { mscoco_gt_words: present, mscoco_generated_words: mentioned, words } = sentence;
  const hallucinated = sentence.mscoco_hallucinated_words.length;
  const classes = new Set(mentioned);
  const pairs = words.slice(1).map((word, i) => `${words[i]} ${word}`);
  return {
    captions: 1,
    bad: hallucinated > 0 ? 1 : 0,
    words: words.length,
    hallucinated,
    mentions: mentioned.length,
    correct: present.filter((object) => classes.has(object)).length,
    present: present.length,
    classes: classes.size,
    distinct1: distinct(words),
    has1: words.length > 0 ? 1 : 0,
    distinct2: distinct(pairs),
    has2: pairs.length > 0 ? 1 : 0,
  };
}

function metrics(sums: Float64Array): MetricValues {
  const sum = (column: Column) => sums[COLUMN[column]]!;
  const recall = ratio(sum("correct"), sum("present"));
  const precision = ratio(sum("correct"), sum("classes"));
  const meanWords = ratio(sum("words"), sum("captions"));
  return {
    CHAIRs: ratio(sum("bad"), sum("captions")),
    CHAIRi: ratio(sum("hallucinated"), sum("mentions")),
    Recall: recall,
    Precision: precision,
    F1: harmonicMean(recall, precision),
    Len: meanWords === null ? null : 0.01 * meanWords, // as PAI: printed x100 it is the mean number of words
    Mentions: ratio(sum("mentions"), sum("captions")),
    Distinct1: ratio(sum("distinct1"), sum("has1")),
    Distinct2: ratio(sum("distinct2"), sum("has2")),
  };
}

/** Distinct-n (Li et al. 2016) of a caption's n-grams; 0 for none, which is then not counted in the mean. */
function distinct(grams: readonly string[]): number {
  return grams.length === 0 ? 0 : new Set(grams).size / grams.length;
}
