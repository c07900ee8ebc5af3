import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { CommandModule, InferredOptionTypes } from "yargs";
import { chair, readCaptions, readObjectList } from "../../benchmarks";
import { chairTable } from "../../benchmarks/chair/table";
import { renderTable, type TableFormat, tableFormats } from "../../report/tables";
import { UsageError } from "../exit";
import { groundTruthOf, groundTruthOptions } from "../options/ground_truth";
import { refuseIdle } from "../options/idle";
import { strict } from "../options/strict";

const options = {
  "cap-file": {
    type: "string",
    demandOption: true,
    describe: "Captions, .json or .jsonl",
  },
  "image-id-key": {
    type: "string",
    default: "image_id",
    describe: "Key of the image id",
  },
  "caption-key": { type: "string", describe: "Key of the caption [caption]" },
  "save-path": {
    type: "string",
    describe: "Where every caption's scores go, in the shape of PAI's file",
  },
  scorer: {
    choices: ["pai", "noun"] as const,
    default: "pai" as const,
    describe: "pai: lemmas by part of speech, as PAI and OPERA; noun: every word a noun",
  },
  objects: { type: "string", describe: "Object list other than COCO's: JSON, class -> synonyms" },
  "drop-unfinished": {
    type: "boolean",
    default: false,
    describe:
      "Drop a last sentence that was cut off (the 64-token protocol): by the key finish_reason, else by its text",
  },
  format: {
    choices: Object.keys(tableFormats) as TableFormat[],
    describe: "Format of the table [terminal]",
  },
  json: { type: "boolean", default: false, describe: "The whole result, for machines" },
  ...groundTruthOptions,
} as const;

export const chairCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: "chair",
  describe: "Score captions by CHAIR, with intervals",
  builder: (argv) =>
    argv
      .options(strict(options))
      .example(
        "$0 chair --cap-file captions.jsonl --coco-path coco/annotations",
        "as PAI's chair.py",
      ) as never,
  handler: async (args) => {
    const { format = "terminal", "caption-key": captionKey } = args;
    if (args.json) refuseIdle(args, ["format"], "beside --json");
    const groundTruth = groundTruthOf(args);
    if (groundTruth === undefined) throw new UsageError("Give --coco-path or --ground-truth.");
    const keys = { imageIdKey: args["image-id-key"], ...(captionKey !== undefined && { captionKey }) };
    const result = chair.score(readCaptions(args["cap-file"], keys), groundTruth.objects, {
      scorer: args.scorer,
      ...(args.objects !== undefined && {
        objects: chair.objectLexicon(basename(args.objects), readObjectList(args.objects)),
      }),
      dropUnfinishedSentence: args["drop-unfinished"],
    });
    const record = { ...result, ground_truth: groundTruth.sources };
    if (args["save-path"] !== undefined) writeFileSync(args["save-path"], JSON.stringify(record, null, 1));
    if (args.json) console.log(JSON.stringify(record, null, 2));
    else {
      console.log(renderTable(chairTable(result), format));
      if (format !== "terminal") return;
      const { name, version, objects } = result.scorer;
      console.log(
        `\n${result.sentences.length} captions; 95 % intervals over images. Scorer ${name} ${version}, ${objects}; ground truth from ${groundTruth.sources.join(", ")}.`,
      );
    }
  },
};
