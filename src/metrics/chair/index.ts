export { COCO_OBJECTS } from "./coco_objects";
export { mentions } from "./mentions";
export { cocoObjects, type ObjectLexicon, objectLexicon } from "./objects";
export type { Mention, Scorer } from "./read_caption";
export {
  type ChairMention,
  type ChairOptions,
  type ChairResult,
  type ChairSentence,
  requireGroundTruth,
  score,
  scoreCaptions,
  sumUp,
} from "./score";
