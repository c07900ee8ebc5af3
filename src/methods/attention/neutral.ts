import { type Aai, isNeutralAai } from "./aai";
import { type Hgai, isNeutralHgai } from "./hgai";
import { type Attention, type AttentionMethod, none } from "./index";
import { isNeutralPai, type Pai } from "./pai";
import { isNeutralVaf, type Vaf } from "./vaf";

/** The edits that change something, in order; `none` where nothing does. */
export function withoutNeutral(attention: Attention): Attention {
  if (attention === none) return none;
  const methods = "parameters" in attention ? [attention] : attention;
  const active = methods.filter((method) => !isNeutralAttention(method));
  return active.length > 1 ? active : (active[0] ?? none);
}

function isNeutralAttention(method: AttentionMethod): boolean {
  switch (method.parameters.method) {
    case "aai":
      return isNeutralAai(method as Aai);
    case "pai":
      return isNeutralPai(method as Pai);
    case "hgai":
      return isNeutralHgai(method as Hgai);
    case "vaf":
      return isNeutralVaf(method as Vaf);
    case "plugin":
      return false; // only its author knows
  }
}
