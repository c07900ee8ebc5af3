import { harmonicMean, type MetricValues, ratio, type Tally } from "../statistics/tally";
import type { ChairSentence } from "./score";

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
    columns: COLUMNS,
    rows: Float64Array.from(rows.flat()),
    metrics,
  };
}

type Sentence = Pick<
  ChairSentence,
  "image_id" | "mscoco_hallucinated_words" | "mscoco_gt_words" | "mscoco_generated_words" | "words"
>;

const COLUMNS = 12;

function row(sentence: Sentence): number[] {
  const { mscoco_gt_words: present, mscoco_generated_words: mentioned, words } = sentence;
  const hallucinated = sentence.mscoco_hallucinated_words.length;
  const classes = new Set(mentioned);
  const correct = present.filter((object) => classes.has(object)).length;
  const captions = [1, hallucinated > 0 ? 1 : 0, words.length];
  return [
    ...captions,
    hallucinated,
    mentioned.length,
    correct,
    present.length,
    classes.size,
    ...distinct(words),
  ];
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

/** Distinct-1 and distinct-2 (Li et al. 2016), each followed by whether the caption is long enough to have one. */
function distinct(words: readonly string[]): number[] {
  const pairs = words.slice(1).map((word, i) => `${words[i]} ${word}`);
  return [words, pairs].flatMap((grams) =>
    grams.length === 0 ? [0, 0] : [new Set(grams).size / grams.length, 1],
  );
}
