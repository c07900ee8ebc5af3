import type { ObjectLexicon } from "./objects";
import { type Mention, readCaption, type Scorer } from "./read_caption";

/** The objects a caption mentions, in order, with their place in it; offsets are UTF-16 code units. */
export function mentions(
  caption: string,
  options: { scorer?: Scorer; objects?: ObjectLexicon } = {},
): Mention[] {
  return readCaption(caption, options.scorer, options.objects).mentions;
}
