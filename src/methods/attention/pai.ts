import { attention } from "../describe/axes";
import { byFamily, fromLayer } from "../describe/fallback";
import { imageKeys, integer, layers, number } from "../describe/parameter";

/**
 * PAI, "Paying More Attention to Image" (ECCV 2024): `x + alpha * |x|` on the attention logits x of image tokens. Layers 2
 * to the last. Alpha as the paper gives it per model, 0.2 (the released code's) for others.
 */
export const pai = attention({
  name: "pai",
  title: "Paying More Attention to Image",
  source: "ECCV 2024, LALBJ/PAI; alpha per model as in the paper",
  formula: "x <- x + alpha * |x| on image keys",
  parameters: {
    /** Strength; 0 changes nothing. Default: the paper's for the model family (LLaVA 0.5), 0.2 for others. */
    alpha: number({
      default: byFamily({ llava: 0.5, shikra: 0.6, minigpt4: 0.2 }, 0.2),
      meaning: "strength",
    }),
    /** Decoder layers edited, `[start, end)` counted from 0. Default: from layer 2 to the last. */
    layers: layers({ default: fromLayer(2) }),
    /** Tokens generated before the first edit beyond it: -1 = from the first token; 0 = from the second, as released with paiCfg. Default -1. */
    warmup: integer({
      default: -1,
      min: -1,
      meaning:
        "as aai's; -1 = from the first token, 0 = from the second, as the released code has it with paiCfg",
    }),
    /** Positions of the image tokens in the prompt, `[start, end)`, where they are not to be found from the token ids. */
    imageKeys: imageKeys(),
  },
  combines: "With paiCfg it is the whole of PAI.",
  isNeutral: ({ alpha }) => alpha === 0,
});
