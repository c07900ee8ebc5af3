import { attention } from "../describe/axes";
import { published } from "../describe/fallback";
import { choice, imageKeys, layers, number } from "../describe/parameter";

/**
 * VAF, "ClearSight" (CVPR 2025): attention logits of image tokens times `enhance`, those of the system prompt times
 * `suppress`, from the first token on. Published: 1.15, 0.95, layers 9 to 14 of 32, both included.
 *
 * The released code has 35 system and 576 image positions built in; here the system prompt is what precedes the image.
 * It edits the queries of all prompt tokens behind the image, too, so that the question itself is read so.
 */
export const vaf = attention({
  name: "vaf",
  title: "Visual Amplification Fusion (ClearSight)",
  source: "CVPR 2025, ustc-hyin/ClearSight",
  formula:
    "x <- enhance * x on image keys, x <- suppress * x on keys before the image, from the first token on",
  parameters: {
    /** Factor on image tokens; 1 changes nothing. Default 1.15. */
    enhance: number({ default: 1.15, meaning: "factor on image tokens" }),
    /** Factor on all tokens before the image; 1 changes nothing. Default 0.95. */
    suppress: number({ default: 0.95, meaning: "factor on the tokens before the image" }),
    /**
     * `behindImage`: of every prompt token behind the image, too, as released, at the cost of a prefill of its own;
     * `newest`: of each newest token alone. Default "behindImage".
     */
    queries: choice(["behindImage", "newest"], {
      default: "behindImage",
      meaning:
        "edited: behindImage = of every prompt token behind the image, too; newest = of each newest token alone",
    }),
    /** Decoder layers edited, `[start, end)` counted from 0. Default [9, 15), refused where the decoder has fewer. */
    layers: layers({ default: published([9, 15]) }),
    /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
    imageKeys: imageKeys(),
  },
  isNeutral: ({ enhance, suppress }) => enhance === 1 && suppress === 1,
});
