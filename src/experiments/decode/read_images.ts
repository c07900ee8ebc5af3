import { ImageError, type ImageInput } from "../../client";
import { readImage } from "../../client/image";
import type { RowTask } from "./row_task";

/** A row whose image cannot be read. */
export interface UnreadableRow {
  task: RowTask;
  error: ImageError;
}

/** Reads the image files of rows, each once: one that cannot be read is the fault of its own rows, and of no others. */
export async function readImages(
  tasks: readonly RowTask[],
): Promise<{ readable: { task: RowTask; image: ImageInput | undefined }[]; unreadable: UnreadableRow[] }> {
  const files = [...new Set(tasks.map(({ request }) => request.image))];
  const read = new Map(await Promise.all(files.map(async (file) => [file, await contentOf(file)] as const)));
  const readable = [];
  const unreadable = [];
  for (const task of tasks) {
    const content = read.get(task.request.image);
    if (content instanceof ImageError) unreadable.push({ task, error: content });
    else readable.push({ task, image: content });
  }
  return { readable, unreadable };
}

async function contentOf(image: ImageInput | undefined): Promise<ImageInput | undefined | ImageError> {
  if (typeof image !== "string") return image;
  try {
    return (await readImage(image)).data as Uint8Array;
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}
