import { cocoGroundTruth, type GroundTruth, readGroundTruth } from "../../benchmarks";
import { UsageError } from "../exit";
import { refuseIdle } from "./idle";

export const groundTruthOptions = {
  "coco-path": {
    type: "string",
    describe: "Folder of COCO's annotation files (instances_*.json, captions_*2014.json)",
    group: "Ground truth:",
  },
  "ground-truth": {
    type: "string",
    describe: "Instead: a JSON file, image id -> class names",
    group: "Ground truth:",
  },
  "instances-only": {
    type: "boolean",
    default: false,
    describe: "Leave out objects that only the reference captions name",
    group: "Ground truth:",
  },
} as const;

interface Arguments {
  "coco-path"?: string | undefined;
  "ground-truth"?: string | undefined;
  "instances-only": boolean;
}

/** What the flags name, and where it came from; undefined without either flag. */
export function groundTruthOf(args: Arguments): { objects: GroundTruth; sources: string[] } | undefined {
  const { "coco-path": coco, "ground-truth": file, "instances-only": instancesOnly } = args;
  if (coco !== undefined && file !== undefined)
    throw new UsageError("Give --coco-path or --ground-truth, not both.");
  if (coco === undefined) refuseIdle(args, ["instances-only"], "without --coco-path");
  if (file !== undefined) return { objects: readGroundTruth(file), sources: [file] };
  return coco === undefined ? undefined : cocoGroundTruth(coco, { instancesOnly });
}
