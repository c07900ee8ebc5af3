import { groups } from "../../base/groups";
import { type MetricValues, ratio, type Tally } from "../../statistics/tally";
import { HALLUSION_GROUPINGS, type HallusionGrouping } from "./groupings";
import { type HallusionQuestion, setOf } from "./questions";

export interface HallusionAnswer extends HallusionQuestion {
  answer: string;
  prediction: HallusionQuestion["label"] | "other";
  correct: boolean;
}

/**
 * Per set the sums of which the figures are made: qAcc's groups cross the figures of a set, and nothing crosses sets.
 * A group of which an answer is missing is judged by those that there are.
 */
export function hallusionTally(answers: readonly HallusionAnswer[], grouping: HallusionGrouping): Tally {
  const sets = groups(answers, setOf);
  const rows = sets.map((set) => row(set, grouping));
  return {
    ids: sets.map(([first]) => setOf(first!)),
    columns: COLUMNS.length,
    rows: Float64Array.from(rows.flatMap((sums) => COLUMNS.map((column) => sums[column]))),
    metrics,
  };
}

const COLUMNS = [
  ...(["answers", "right", "figures", "rightFigures", "questions", "rightQuestions"] as const),
  ...(["yes", "yesLabels", "wrong", "wrongNoLabels"] as const),
];
type Column = (typeof COLUMNS)[number];

/** Bias as the authors count it: a wrong answer is a yes where no is right, whatever was said. */
function row(set: readonly HallusionAnswer[], grouping: HallusionGrouping): Record<Column, number> {
  const withFigure = set.filter(({ filename }) => filename !== null);
  const counted = HALLUSION_GROUPINGS[grouping].textOnly ? set : withFigure;
  const figures = groups(withFigure, ({ figure_id }) => figure_id);
  const questions = groups(counted, ({ question_id }) => question_id);
  const wrong = counted.filter(({ correct }) => !correct);
  return {
    answers: counted.length,
    right: counted.length - wrong.length,
    figures: figures.length,
    rightFigures: figures.filter(allRight).length,
    questions: questions.length,
    rightQuestions: questions.filter(allRight).length,
    yes: counted.filter(({ correct, label }) => correct === (label === "yes")).length,
    yesLabels: counted.filter(({ label }) => label === "yes").length,
    wrong: wrong.length,
    wrongNoLabels: wrong.filter(({ label }) => label === "no").length,
  };
}

function allRight(group: readonly HallusionAnswer[]): boolean {
  return group.every(({ correct }) => correct);
}

function metrics(sums: Float64Array): MetricValues {
  const sum = (column: Column) => sums[COLUMNS.indexOf(column)]!;
  return {
    aAcc: ratio(sum("right"), sum("answers")),
    fAcc: ratio(sum("rightFigures"), sum("figures")),
    qAcc: ratio(sum("rightQuestions"), sum("questions")),
    pctDiff: ratio(sum("yes") - sum("yesLabels"), sum("answers")),
    fpRatio: ratio(sum("wrongNoLabels"), sum("wrong")),
  };
}
