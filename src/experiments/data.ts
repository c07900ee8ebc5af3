import { createHash } from "node:crypto";
import { join } from "node:path";
import { chair, cocoGroundTruth, type GroundTruth, pope, readPopeFiles } from "../benchmarks";
import { imageFolder } from "../data";
import { chosenIds, type ImageChoice, requireImages } from "../data/chosen_images";
import { numericId } from "../data/ids";
import { imageDigests } from "../data/image_digests";

/** What every cell is asked: captions of images, or questions about them. */
export interface SweepData {
  /** Which metrics apply. */
  readonly kind: "chair" | "pope";
  /** The prompt where a space names none. */
  readonly prompt: string;
  readonly items: readonly SweepItem[];
  /** Image id -> the classes in it; empty where no metric asks for it. */
  readonly groundTruth: GroundTruth;
  /** Texts whose likelihood at the first token is recorded. */
  readonly probes: readonly string[];
}

/** One answer to be had of every cell. */
export interface SweepItem {
  /** Unique in the data. A sweep adds the bytes of the image: answers about another picture are never taken for it. */
  id: string;
  /** File name of its image: what is drawn again for intervals, and what is leased to workers. */
  image: string;
  path: string;
  /** Stands for `{question}` in the prompt. */
  question: string;
  /** What a metric needs to know beside the answer. */
  fields: Record<string, unknown>;
}

export interface CocoCaptionsOptions {
  /** Folder of images. */
  images: string;
  /** Folder of COCO's annotation files. */
  annotations?: string;
  /** Instead: what is in the images. */
  groundTruth?: GroundTruth;
  /** A list of ids (file, or the name of one that ships such as "opera-500"), or so many chosen by seed. Default: 500, seed 927. */
  ids?: ImageChoice;
}

/** Captions of images; CHAIR needs what is in them, from annotations or by `groundTruth`. @throws DataError */
export function cocoCaptions(options: CocoCaptionsOptions): SweepData {
  const { images, annotations, groundTruth, ids = { count: 500, seed: 927 } } = options;
  const objects = groundTruth ?? (annotations === undefined ? {} : cocoGroundTruth(annotations).objects);
  const { files } = imageFolder(images);
  const { ids: chosen } = chosenIds(ids, files);
  if (annotations !== undefined || groundTruth) chair.requireGroundTruth(chosen, objects);
  return {
    kind: "chair",
    prompt: "Please describe this image in detail.",
    items: chosen.map((id) => {
      const image = files.get(id)!;
      const fields = { image_id: numericId(id) };
      return { id, image, path: join(images, image), question: "", fields };
    }),
    groundTruth: Object.fromEntries(chosen.flatMap((id) => (objects[id] ? [[id, objects[id]]] : []))),
    probes: [],
  };
}

export interface PopeQuestionsOptions {
  /** Folder of images. */
  images: string;
  /** Question files, one or more a split. */
  questions: readonly string[];
  /** Answer by which of yes and no is likelier at the first token. Default false. */
  likelihood?: boolean;
}

/** POPE's questions. Their prompt is `{question}`, so a suffix is `prompt: "{question} Please answer with one word."`. @throws DataError */
export function popeQuestions({ images, questions, likelihood = false }: PopeQuestionsOptions): SweepData {
  const { questions: asked } = readPopeFiles(questions);
  requireImages(
    images,
    asked.map(({ question }) => question.image),
  );
  return {
    kind: "pope",
    prompt: "{question}",
    items: asked.map(({ key, question }) => ({
      id: `${key} ${question.text}`,
      image: question.image,
      path: join(images, question.image),
      question: question.text,
      fields: { question },
    })),
    groundTruth: {},
    probes: likelihood ? pope.likelihoodProbes : [],
  };
}

/** The same data, each item's id a hash of the id and of the bytes of its image file. */
export async function withImageBytes(data: SweepData): Promise<SweepData> {
  const digests = await imageDigests(
    "",
    data.items.map(({ path }) => path),
  );
  const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);
  return {
    ...data,
    items: data.items.map((item) => ({ ...item, id: hash(`${digests[item.path]}${item.id}`) })),
  };
}
