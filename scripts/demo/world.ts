/** The demo's images, what is in them, and the model that describes them. */
import { join } from "node:path";
import { aai, cocoGroundTruth, greedy, none, readIds } from "../../src/index";

const root = join(__dirname, "../..");
const data = join(root, "demo", "data");

export const checkpoint = join(root, "demo", "checkpoint");
export const output = join(root, "demo", "output");
export const imageFolder = join(data, "val2014");
export const imageName = (id: string) => `COCO_val2014_${id.padStart(12, "0")}.png`;
export const imageOf = (id: string) => join(imageFolder, imageName(id));
export const groundTruth = cocoGroundTruth(join(data, "annotations")).objects;
export const imageIds = readIds("demo").ids;

export const prompt = "Please describe this image in detail.";
export const search = greedy({ maxNewTokens: 96 });
/** The setting that is shown, asked and drawn. */
export const shownAlpha = 0.1;
export const settings = [
  { name: "plain", attention: none },
  ...[0.05, shownAlpha, 0.2, 0.3].map((alpha) => ({
    name: `AAI, alpha ${alpha}`,
    attention: aai({ alpha }),
  })),
];
