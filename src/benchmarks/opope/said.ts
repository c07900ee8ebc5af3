import { mentions } from "../chair/reading/mentions";

/** What counts as saying the object of a question, in a caption. */
export type OpopeRule = "class" | "first-word" | "halc";

interface Rule {
  source: string;
  /** The questions' objects that the caption says. @param objects classes, such as "dining table" */
  said(caption: string, objects: readonly string[]): Set<string>;
}

export const OPOPE_RULES: Record<OpopeRule, Rule> = {
  class: {
    source: "the whole class, among those that CHAIR reads in the caption",
    said: (caption, objects) => {
      const classes = classesIn(caption);
      return new Set(objects.filter((object) => classes.has(object)));
    },
  },
  "first-word": {
    source:
      "as Nullu's calculate_opope.py, the question's fourth word alone, so that classes of two words are never said; plurals as CHAIR reads them, not as there",
    said: (caption, objects) => {
      const classes = classesIn(caption);
      return new Set(objects.filter((object) => classes.has(object.split(" ")[0]!)));
    },
  },
  halc: {
    source:
      'HALC opope_eval.py: any word of the class as a part of the text, case as it is, also "car" in "carpet"',
    said: (caption, objects) =>
      new Set(objects.filter((object) => object.split(" ").some((word) => caption.includes(word)))),
  },
};

function classesIn(caption: string): Set<string> {
  return new Set(mentions(caption).map(({ object }) => object));
}
