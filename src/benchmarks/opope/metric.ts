import { type MetricValues, ratio, type Tally } from "../../statistics/tally";
import type { Metric } from "../benchmark";
import { type Figures, share } from "../figure";
import type { ScoredAnswer } from "../pope/scored_answer";
import { popeTally } from "../pope/tally";
import { splitsTable } from "../tables";
import type { AskedObject } from "./data";
import { OPOPE_RULES, type OpopeRule } from "./said";

/** The questions about an image as its caption answers them. */
export interface OpopeCaption {
  image: string;
  answers: { split: string; label: "yes" | "no"; said: boolean }[];
}

const figures: Figures = {
  accuracy: share("higher"),
  precision: share("higher"),
  recall: share("higher"),
  "F0.2": share("higher"),
  F1: share("higher"),
  yesRatio: share("higher"),
};

/** Precision counts for five times as much as recall: a caption need not name all that there is. */
const beta = 0.2;

/**
 * OPOPE (HALC, Chen et al. 2024): POPE's questions answered from a caption, yes where it says their object, so that
 * captions are judged by POPE's figures. F0.2 is Nullu's figure, F1 the one that HALC's code prints.
 */
export function opopeMetric({ rule = "class" }: { rule?: OpopeRule | undefined } = {}): Metric<OpopeCaption> {
  return {
    benchmark: "opope",
    description: { metric: "opope", rule },
    figures,
    columns: ["accuracy", "precision", "recall", "F0.2"],
    telling: ["accuracy", "precision", "F0.2"],
    primary: "F0.2",
    counted: "images",
    tested: { right: "captions that say nothing absent that is asked about", score: "accuracy" },
    needsReference: true,
    read({ answer }, { fields, reference }) {
      const asked = reference as AskedObject[];
      const said = OPOPE_RULES[rule].said(
        answer,
        asked.map(({ object }) => object),
      );
      return {
        image: String(fields.image_id),
        answers: asked.map(({ split, label, object }) => ({ split, label, said: said.has(object) })),
      };
    },
    judge({ image, answers }) {
      const right = answers.filter(({ label, said }) => said === (label === "yes")).length;
      return {
        ...{ key: image, unit: image, image },
        right: answers.every(({ label, said }) => label === "yes" || !said),
        figures: { accuracy: right / answers.length },
      };
    },
    tally: (captions) => withFBeta(popeTally(captions.flatMap(answersOf), "exact")),
    table: (captions, summary) => splitsTable(figures, summary, { captions: () => String(captions.length) }),
  };
}

function answersOf({ image, answers }: OpopeCaption): ScoredAnswer[] {
  return answers.map(({ split, label, said }, i) => {
    const prediction = said ? "yes" : "no";
    const question = { question_id: i, image, text: "", split, label };
    return { ...question, answer: prediction, prediction, correct: prediction === label, invalid: false };
  });
}

/** F0.2 of every split's precision and recall, in place of POPE's share of invalid replies, of which there are none. */
function withFBeta(tally: Tally): Tally {
  const metrics = (sums: Float64Array): MetricValues => {
    const values = Object.entries(tally.metrics(sums)).filter(([name]) => !name.endsWith(" invalidRate"));
    const known = Object.fromEntries(values);
    const groups = [...new Set(values.map(([name]) => name.slice(0, name.lastIndexOf(" "))))];
    const own = groups
      .filter((group) => group !== "mean")
      .map((group) => [group, fBeta(known, group)] as const);
    const all = own.map(([, value]) => value);
    const mean = all.includes(null) ? null : all.reduce<number>((sum, value) => sum + value!, 0) / all.length;
    return Object.fromEntries([
      ...values,
      ...own.map(([group, value]) => [`${group} F0.2`, value]),
      ...(groups.includes("mean") ? [["mean F0.2", mean]] : []),
    ]);
  };
  return { ...tally, metrics };
}

function fBeta(values: MetricValues, group: string): number | null {
  const [precision, recall] = [values[`${group} precision`]!, values[`${group} recall`]!];
  if (precision === null || recall === null) return null;
  return ratio((1 + beta ** 2) * precision * recall, beta ** 2 * precision + recall);
}
