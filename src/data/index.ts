export { type Caption, type CaptionKeys, type FinishReason, readCaptions } from "./captions";
export { type CocoGroundTruth, type CocoOptions, cocoGroundTruth } from "./coco";
export { type GroundTruth, readGroundTruth, readObjectList } from "./ground_truth";
export { chooseIds, type ImageIds, imageIdOf, readIds } from "./ids";
export { type ImageFolder, imageFolder } from "./image_folder";
export { type PopeFiles, type PopeQuestion, readPope, readPopeFiles, writePope } from "./pope";
export { readPopeAnswers } from "./pope_answers";
