import type { CommandModule } from "yargs";
import { type CheckpointDescription, inspectCheckpoint } from "../../environment/inspect";
import { modelSource } from "../options/model";
import { strict, strictPositional } from "../options/strict";

interface Arguments {
  checkpoint: string;
  json: boolean;
}

export const inspectCommand: CommandModule<object, Arguments> = {
  command: "inspect <checkpoint>",
  describe: "Tell what a checkpoint is, without loading its weights",
  builder: (argv) =>
    argv
      .positional(
        "checkpoint",
        strictPositional("checkpoint", {
          type: "string",
          demandOption: true,
          describe: "Folder or hub id, or `demo`",
        }),
      )
      .options(strict({ json: { type: "boolean", default: false, describe: "Print JSON, for machines" } })),
  handler: async ({ checkpoint, json }) => {
    const description = await inspectCheckpoint(modelSource({ model: checkpoint }));
    console.log(json ? JSON.stringify(description, null, 2) : table(description));
  },
};

/** What generation_config.json does to them. */
function logitsOf({ processors, unusedSettings }: CheckpointDescription): string {
  const applied = Object.entries(processors).map(([name, value]) => `${name} ${value}`);
  const unused = unusedSettings.length > 0 ? `; without effect: ${unusedSettings.join(", ")}` : "";
  return `${applied.length > 0 ? `processed as transformers does: ${applied.join(", ")}` : "as the decoder gives them"}${unused}`;
}

function table(description: CheckpointDescription): string {
  const {
    visionTower: tower,
    referenceShape: grid,
    imageRuns,
    parameters,
    dtypes,
    unusedWeights,
  } = description;
  const runs =
    imageRuns.length > 4
      ? `${imageRuns.length} places from ${imageRuns[0]![0]} to ${imageRuns.at(-1)![1] - 1}`
      : imageRuns.map(([start, end]) => `${start}–${end - 1}`).join(", ");
  const { crossLayers, promptTokens } = description;
  const place =
    crossLayers.length > 0
      ? `keys of the cross-attention layers ${crossLayers.join(", ")}; none in the ${promptTokens}-token prompt but a mark`
      : `at ${runs} of a ${promptTokens}-token prompt`;
  const rows = {
    source: description.source,
    family: `${description.family} (${description.architecture})`,
    decoder: `${description.layers} layers, ${description.heads} heads (${description.kvHeads} for keys and values), width ${description.hiddenSize}`,
    context: `${description.contextLength} tokens, vocabulary ${description.vocabularySize}`,
    "vision tower": `${tower.className}, ${tower.layers} layers, ${tower.heads} heads, ${tower.imageSize} px, ${tower.hasCls ? "with" : "no"} CLS, features from layer ${tower.featureLayer}`,
    reference: `${grid[0]} × ${grid[1]}, from the self-attention of layer ${tower.referenceLayer}`,
    "image tokens": `${description.imageTokens}${description.dynamicImageTokens ? " for an image of 640 × 480" : ""}, ${place} (id ${description.imageTokenId})`,
    logits: logitsOf(description),
    template: `${description.template}: ${JSON.stringify(description.prompt)}`,
    parameters: `${(parameters / 1e6).toFixed(1)} M${dtypes === null ? "; weights not on this disk" : `, stored as ${dtypes.join(", ")}`}${unusedWeights.length > 0 ? `; not read: ${unusedWeights.join(", ")}` : ""}`,
  };
  return Object.entries(rows)
    .map(([name, value]) => `${name.padEnd(13)} ${value}`)
    .join("\n");
}
