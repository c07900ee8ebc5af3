import { readFile } from "node:fs/promises";
import type { NdArray } from "../arrays/nd_array";

/** A path, a `data:` URL, or the bytes of an image file (PNG, JPEG …). */
export type ImageInput = string | Uint8Array;

/** An image that could not be read. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/** The bytes of the image file as a uint8 array; the worker decodes them. @throws ImageError */
export async function readImage(image: ImageInput): Promise<NdArray> {
  const data = typeof image === "string" ? await readText(image) : image;
  return { name: "image", dtype: "uint8", shape: [data.byteLength], axes: ["byte"], data };
}

async function readText(image: string): Promise<Uint8Array> {
  if (image.startsWith("data:")) return readDataUrl(image);
  try {
    return await readFile(image);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new ImageError(`There is no image file at ${image}.`, { cause: error });
    if (code === "EISDIR")
      throw new ImageError(`${image} is a folder; an image file was expected.`, { cause: error });
    throw new ImageError(`The image ${image} could not be read (${(error as Error).message}).`, {
      cause: error,
    });
  }
}

function readDataUrl(url: string): Uint8Array {
  const match = /^data:[^,]*;base64,([A-Za-z0-9+/=\s]*)$/.exec(url);
  if (match === null) {
    throw new ImageError(`A data URL must look like data:image/png;base64,…; got ${url.slice(0, 40)}…`);
  }
  return Buffer.from(match[1]!, "base64");
}
