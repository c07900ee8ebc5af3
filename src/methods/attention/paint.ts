import { attention } from "../describe/axes";
import { fromLayer } from "../describe/fallback";
import { imageKeys, layers, number } from "../describe/parameter";

/**
 * PAINT, "Paying Attention to Informed Tokens to Mitigate Hallucination" (arXiv 2501.12206): PAI's `x + w * |x|` on image
 * tokens, w by what the vision encoder's CLS token attends to. Local patches are the quarter it attends to most in its first
 * layer, summary patches those that collect its attention in the last layer but one (outliers by the interquartile range);
 * a patch in both is a summary. Alpha, beta and layers are those of the released code. Needs an encoder with CLS.
 */
export const paint = attention({
  name: "paint",
  title: "Paying Attention to Informed Tokens",
  source: "arXiv 2501.12206, hasanar1f/PAINT",
  formula:
    "x <- x + w * |x| on image keys, w = alpha on local, beta on summary patches by the encoder's CLS attention, else 0",
  parameters: {
    /** Strength on local patches. Default 0.7. */
    alpha: number({ default: 0.7, meaning: "strength on local patches" }),
    /** Strength on summary patches. Default 0.3. */
    beta: number({ default: 0.3, meaning: "strength on summary patches" }),
    /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
    layers: layers({ default: fromLayer(2) }),
    /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
    imageKeys: imageKeys(),
  },
  combines: "Its authors run it with paiCfg. The vision encoder must have a CLS token.",
  isNeutral: ({ alpha, beta }) => alpha === 0 && beta === 0,
});
