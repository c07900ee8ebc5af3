import { DataError } from "../../../base/data_error";
import { COCO_OBJECTS } from "./coco_objects";

/** What counts as an object: how two neighbouring words become one, and which class a word names. */
export interface ObjectLexicon {
  name: string;
  classOf: ReadonlyMap<string, string>; // word, or two words -> class
  pairs: ReadonlyMap<string, string>; // two lemmas -> the word they are read as
  silencedBy: ReadonlyMap<string, string>; // word -> the word in whose company it names no object
}

/** COCO's 80 classes with CHAIR's synonyms and special cases. */
export function cocoObjects(): ObjectLexicon {
  coco ??= {
    name: "coco",
    classOf: classOf(COCO_OBJECTS),
    pairs: cocoPairs(),
    silencedBy: new Map([["seat", "toilet"]]), // "the seat of the toilet" is no chair
  };
  return coco;
}

/**
 * An object list of one's own: class -> synonyms, all in lower case and in the singular. The class itself counts too;
 * two words ("tennis racket") are matched as neighbours. Throws on longer phrases and on a word in two classes.
 */
export function objectLexicon(
  name: string,
  objects: Readonly<Record<string, readonly string[]>>,
): ObjectLexicon {
  const words = classOf(objects);
  const pairs = [...words.keys()].filter((word) => word.includes(" "));
  return { name, classOf: words, pairs: new Map(pairs.map((pair) => [pair, pair])), silencedBy: new Map() };
}

let coco: ObjectLexicon | undefined;

// Pairs that must not be read word by word; some are no object at all ("train track" is not a train).
const PAIRS = [
  ...[
    "motor bike",
    "motor cycle",
    "air plane",
    "traffic light",
    "street light",
    "traffic signal",
    "stop light",
  ],
  ...[
    "fire hydrant",
    "stop sign",
    "parking meter",
    "suit case",
    "sports ball",
    "baseball bat",
    "baseball glove",
  ],
  ...["tennis racket", "wine glass", "hot dog", "cell phone", "mobile phone", "teddy bear", "hair drier"],
  ...["potted plant", "laptop computer", "home plate", "train track"],
];
const ANIMALS = [
  "bird",
  "cat",
  "dog",
  "horse",
  "sheep",
  "cow",
  "elephant",
  "bear",
  "zebra",
  "giraffe",
  "animal",
  "cub",
];

function cocoPairs(): Map<string, string> {
  return new Map([
    ...PAIRS.map((pair): [string, string] => [pair, pair]),
    ...ANIMALS.flatMap((animal): [string, string][] => [
      [`baby ${animal}`, animal],
      [`adult ${animal}`, animal],
    ]),
    ["passenger jet", "jet"],
    ["passenger train", "train"],
    ["bow tie", "tie"],
    ["toilet seat", "toilet"],
    ["wine glas", "wine glass"], // what CHAIR's first singulariser made of "wine glasses"
  ]);
}

function classOf(objects: Readonly<Record<string, readonly string[]>>): Map<string, string> {
  const classes = new Map<string, string>();
  for (const [name, synonyms] of Object.entries(objects)) {
    for (const word of [name, ...synonyms]) {
      if (!/^\S+( \S+)?$/.test(word) || word !== word.toLowerCase()) {
        throw new DataError(
          `Object list: "${word}" of class "${name}" must be one or two words in lower case.`,
        );
      }
      const other = classes.get(word);
      if (other !== undefined && other !== name) {
        throw new DataError(
          `Object list: "${word}" is in class "${other}" and in class "${name}"; it may be in one only.`,
        );
      }
      classes.set(word, name);
    }
  }
  return classes;
}
