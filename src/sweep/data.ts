import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cocoGroundTruth, type GroundTruth, readPope } from "../data";
import { chair, pope } from "../metrics";
import { chosenIds, type ImageChoice, imageFiles, numericId, requireImages } from "../runs/images";

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
  /** Of its image and question: answers about other ones are never taken for it. */
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
  const files = imageFiles(images);
  const { ids: chosen } = chosenIds(ids, files);
  if (annotations !== undefined || groundTruth) chair.requireGroundTruth(chosen, objects);
  const digest = digests(images);
  return {
    kind: "chair",
    prompt: "Please describe this image in detail.",
    items: chosen.map((id) => {
      const image = files.get(id)!;
      const fields = { image_id: numericId(id) };
      return { id: digest(image, id), image, path: join(images, image), question: "", fields };
    }),
    groundTruth: Object.fromEntries(chosen.flatMap((id) => (objects[id] ? [[id, objects[id]]] : []))),
    probes: [],
  };
}

export interface PopeQuestionsOptions {
  /** Folder of images. */
  images: string;
  /** Question files, one a split. */
  questions: readonly string[];
  /** Answer by which of yes and no is likelier at the first token. Default false. */
  likelihood?: boolean;
}

/** POPE's questions. Their prompt is `{question}`, so a suffix is `prompt: "{question} Please answer with one word."`. @throws DataError */
export function popeQuestions({ images, questions, likelihood = false }: PopeQuestionsOptions): SweepData {
  const asked = questions.flatMap((file) => readPope(file));
  requireImages(images, asked);
  const digest = digests(images);
  return {
    kind: "pope",
    prompt: "{question}",
    items: asked.map((question) => ({
      id: digest(question.image, `${question.split} ${question.question_id} ${question.text}`),
      image: question.image,
      path: join(images, question.image),
      question: question.text,
      fields: { question },
    })),
    groundTruth: {},
    probes: likelihood ? pope.likelihoodProbes : [],
  };
}

/** Hashes of an image file's bytes and a text; every file is read once. */
function digests(folder: string): (image: string, text: string) => string {
  const known = new Map<string, string>();
  const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
  return (image, text) => {
    if (!known.has(image)) known.set(image, hash(readFileSync(join(folder, image))));
    return hash(known.get(image)! + text).slice(0, 12);
  };
}
