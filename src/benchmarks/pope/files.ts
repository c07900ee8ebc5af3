import type { DataFile } from "../benchmark";

/** POPE's files on COCO, as their authors publish them. */
export const popeDataFiles: readonly DataFile[] = [
  {
    option: "questions",
    what: "coco_pope_random.json, coco_pope_popular.json, coco_pope_adversarial.json: 3,000 questions each",
    from: "https://github.com/RUCAIBox/POPE, output/coco",
    size: "0.4 MB each",
    licence: "MIT",
  },
  {
    option: "images",
    what: "the 500 images of COCO's val2014 that the questions name",
    from: "https://cocodataset.org/#download",
    size: "6.2 GB (all of val2014)",
    licence: "each image its own, CC by its owner on Flickr",
  },
];
