import { contrast } from "../describe/axes";
import { named, share } from "../describe/parameter";

/**
 * DoLa (ICLR 2024): `log p - log p_early`, the early exit being after that of `layers` layers which differs most. Made
 * for language models; "low" is transformers' advice for long answers. The released scripts go with a repetition penalty of
 * 1.2: `sample({ topK: 1, repetitionPenalty: 1.2 })`.
 */
export const dola = contrast({
  name: "dola",
  title: "Decoding by Contrasting Layers",
  source: "ICLR 2024, voidism/DoLa",
  formula: "log p - log p_early, of the early exit that differs most; implausible tokens out",
  parameters: {
    /** Early exits, as counts of layers (0 = the embedding): every second of the first or the last ones, or a list. Default "low". */
    layers: named(
      {
        low: ({ layers }) => everySecond(0, Math.min(Math.floor(layers / 2), most)),
        high: ({ layers }) => everySecond(Math.max(Math.floor(layers / 2), layers - most), layers),
      },
      {
        default: "low",
        meaning:
          "early exits: low or high, every second of the first or the last layers, or a list of counts",
        flag: "early-layers",
      },
    ),
    /** Tokens below this share of the best one's probability are left out; 0 = none. Default 0.1. */
    relativeTop: share({
      default: 0.1,
      meaning: "tokens below this share of the best one's probability are left out; 0 = none",
    }),
  },
  needsImage: false,
  combines: "Early exits are those of the edited pass.",
});

/**
 * Of so many layers at most, within a half of the decoder: transformers' rule, which gives the sets that the authors name.
 * Of 32 layers low is 0, 2 … 14 and high 16 … 30; of 40 low 0 … 18 and high 20 … 38; of 60 and 80 low is 0 … 18, high
 * 40 … 58 and 60 … 78. (transformers begins "low" with 2 where embeddings are tied; the authors do not.)
 */
const most = 20;

function everySecond(start: number, end: number): number[] {
  return Array.from({ length: Math.ceil((end - start) / 2) }, (_, place) => start + 2 * place);
}
