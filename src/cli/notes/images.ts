import { someOf } from "../../base/some_of";
import { type ImageFolder, imageFolder } from "../../data";

/** Names that are shown. */
const shown = 5;

/**
 * Reads a folder of images, and says on stderr what of it is left out, and whether there are fewer than were asked for.
 * @throws DataError as `imageFolder`
 */
export function noteImages(folder: string, asked?: number): ImageFolder {
  const found = imageFolder(folder);
  const { files, others } = found;
  if (others.length > 0) {
    const names = someOf(others, shown);
    console.error(
      `aai: ${others.length} of ${files.size + others.length} names in ${folder} are no images: ${names}.`,
    );
  }
  if (asked !== undefined && asked > files.size)
    console.error(`aai: ${asked} images were asked for; ${folder} has ${files.size}.`);
  return found;
}
