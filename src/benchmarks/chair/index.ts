export { COCO_OBJECTS } from "./reading/coco_objects";
export { mentions } from "./reading/mentions";
export { cocoObjects, type ObjectLexicon, objectLexicon } from "./reading/objects";
export type { Mention, Scorer } from "./reading/read_caption";
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
