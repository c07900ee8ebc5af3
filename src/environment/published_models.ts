/**
 * The three models of the AAI authors' scripts, by the names of their command line: what is to be downloaded, how it is converted, and where
 * `aai convert` has put the result on this machine.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** One of these models, asked for by name, and that this machine has no converted folder of. */
export class NotConvertedError extends Error {
  override readonly name = "NotConvertedError";
}

interface Published {
  title: string;
  /** What to download, with its size and what of the conversion takes it. */
  downloads: { what: string; size: string; option: string }[];
  /** Size of the converted folder, in words. */
  size: string;
  /** Another way to the same weights. */
  instead?: string;
}

const clip = (name: string) => ({ what: `openai/${name}`, size: "1.7 GB", option: "vision" });

export const publishedModels: Record<string, Published> = {
  "llava-1.5": {
    title: "LLaVA-1.5 7B",
    downloads: [
      { what: "liuhaotian/llava-v1.5-7b", size: "13.6 GB", option: "checkpoint" },
      clip("clip-vit-large-patch14-336"),
    ],
    size: "15 GB",
    instead: "--model llava-hf/llava-1.5-7b-hf loads the same weights as they are, without a conversion.",
  },
  minigpt4: {
    title: "MiniGPT-4 7B",
    downloads: [
      {
        what: "eva_vit_g.pth (storage.googleapis.com/sfr-vision-language-research/LAVIS/models/BLIP2)",
        size: "2.0 GB",
        option: "vision",
      },
      {
        what: "blip2_pretrained_flant5xxl.pth (from the same folder)",
        size: "0.4 GB",
        option: "qformer",
      },
      {
        what: "prerained_minigpt4_7b.pth (drive.google.com, id 1RY9jV0dyqLX-o38LrumkKRh6Jtaop58R)",
        size: "0.04 GB",
        option: "projector",
      },
      { what: "Vision-CAIR/vicuna-7b (Vicuna v0)", size: "13.5 GB", option: "llm" },
    ],
    size: "16 GB",
  },
  shikra: {
    title: "Shikra 7B",
    downloads: [
      { what: "shikras/shikra-7b-delta-v1 (or -v1-0708)", size: "13.5 GB", option: "delta" },
      { what: "LLaMA-1 7B in Hugging Face format", size: "13.5 GB", option: "base" },
      clip("clip-vit-large-patch14"),
    ],
    size: "15 GB",
  },
};

/**
 * The folder that `source` stands for: that of one of these models where it is one of their names and no folder here, and
 * `source` itself otherwise. @throws NotConvertedError
 */
export function resolveModel(source: string, env: NodeJS.ProcessEnv = process.env): string {
  const model = publishedModels[source];
  if (model === undefined || existsSync(source)) return source;
  const folder = readRecord(env)[source];
  if (folder !== undefined && existsSync(join(folder, "config.json"))) return folder;
  const gone = folder === undefined ? "" : ` (${folder}, where it was, is no longer there)`;
  throw new NotConvertedError(
    [
      `${model.title} has not been converted on this machine${gone}. Download, about:`,
      ...model.downloads.map(({ what, size }) => `  ${size.padStart(7)}  ${what}`),
      `then convert once, into about ${model.size}:`,
      `  ${conversionCommand(source)}`,
      "A folder that was converted elsewhere is named by --model-path.",
      ...(model.instead === undefined ? [] : [model.instead]),
    ].join("\n"),
  );
}

export function conversionCommand(name: string): string {
  const options = publishedModels[name]?.downloads.map(({ option }) => `--${option} ${option.toUpperCase()}`);
  return `aai convert ${name} ${options?.join(" ")} --out FOLDER`;
}

/** Notes where `aai convert` has written a model. */
export function rememberModel(name: string, folder: string, env: NodeJS.ProcessEnv = process.env): void {
  const file = recordFile(env);
  mkdirSync(dirname(file), { recursive: true });
  const record = JSON.stringify({ ...readRecord(env), [name]: resolve(folder) }, null, 2);
  writeFileSync(`${file}.unfinished`, `${record}\n`);
  renameSync(`${file}.unfinished`, file);
}

function recordFile(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "align-attention", "models.json");
}

function readRecord(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    const record: unknown = JSON.parse(readFileSync(recordFile(env), "utf8"));
    return Object.fromEntries(
      Object.entries(record ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return {}; // absent or unreadable: as if nothing had been converted
  }
}
