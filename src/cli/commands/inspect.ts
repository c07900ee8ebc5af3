import type { CommandModule } from "yargs";
import { type CheckpointDescription, inspectCheckpoint } from "../../environment/inspect";
import { modelSource } from "../options";

interface Arguments {
  checkpoint: string;
  json: boolean;
}

export const inspectCommand: CommandModule<object, Arguments> = {
  command: "inspect <checkpoint>",
  describe: "Tell what a checkpoint is, without loading its weights",
  builder: (argv) =>
    argv
      .positional("checkpoint", {
        type: "string",
        demandOption: true,
        describe: "Folder or hub id, or `demo`",
      })
      .option("json", { type: "boolean", default: false, describe: "For machines" }),
  handler: async ({ checkpoint, json }) => {
    const description = await inspectCheckpoint(modelSource({ model: checkpoint }));
    console.log(json ? JSON.stringify(description, null, 2) : table(description));
  },
};

function table(description: CheckpointDescription): string {
  const { visionTower: tower, referenceShape: grid, imageRuns } = description;
  const runs = imageRuns?.map(([start, end]) => `${start}–${end - 1}`).join(", ");
  const rows: [string, unknown][] = [
    ["source", description.source],
    ["family", `${description.family}${description.supported ? "" : " (not supported yet)"}`],
    ["architecture", description.architecture],
    [
      "decoder",
      `${description.layers} layers, ${description.heads} heads (${description.kvHeads} for keys and values), width ${description.hiddenSize}`,
    ],
    [
      "context",
      description.contextLength &&
        `${description.contextLength} tokens, vocabulary ${description.vocabularySize}`,
    ],
    [
      "vision tower",
      `${tower.className}, ${tower.layers} layers, ${tower.heads} heads, ${tower.imageSize} px${tower.hasCls ? ", CLS" : ""}`,
    ],
    [
      "reference",
      grid &&
        `${grid[0]} × ${grid[1]}, self-attention of layer ${tower.referenceLayer}; features from layer ${tower.featureLayer}`,
    ],
    [
      "image tokens",
      description.imageTokens &&
        `${description.imageTokens}${runs ? `, at ${runs} of a ${description.promptTokens}-token prompt` : ""} (id ${description.imageTokenId})`,
    ],
    ["template", description.template && JSON.stringify(description.template)],
    [
      "parameters",
      description.parameters &&
        `${(description.parameters / 1e6).toFixed(1)} M, ${description.dtypes?.join(", ")}`,
    ],
    ["note", description.layoutFault],
  ];
  return rows
    .filter(([, value]) => value)
    .map(([name, value]) => `${name.padEnd(13)} ${value}`)
    .join("\n");
}
