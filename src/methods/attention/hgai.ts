import { attention } from "../describe/axes";
import { published } from "../describe/fallback";
import { imageKeys, layers, number } from "../describe/parameter";

/**
 * HGAI, "Devils in Middle Layers of Large Vision-Language Models" (CVPR 2025): `x + alpha * mean over heads of |x|` on the
 * attention logits x of image tokens, from the first token on. Published: alpha 0.5, layers 5 to 18 of 32, both included:
 * the released script adds one to the end of its `--guide-range 5,18`.
 */
export const hgai = attention({
  name: "hgai",
  title: "Devils in Middle Layers (heads guided attention intervention)",
  source: "CVPR 2025, ZhangqiJiang07/middle_layers_indicating_hallucinations",
  formula: "x <- x + alpha * mean over heads of |x| on image keys, from the first token on",
  parameters: {
    /** Strength; 0 changes nothing. Default 0.5. */
    alpha: number({ default: 0.5, meaning: "strength" }),
    /** Decoder layers edited, `[start, end)` counted from 0. Default [5, 19), refused where the decoder has fewer. */
    layers: layers({ default: published([5, 19]) }),
    /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
    imageKeys: imageKeys(),
  },
  isNeutral: ({ alpha }) => alpha === 0,
});
