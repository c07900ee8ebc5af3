import { isNeutralApcOnly } from "./apc_only";
import { isNeutralIcd } from "./icd";
import type { Contrast } from "./index";
import { isNeutralM3id } from "./m3id";
import { isNeutralPaiCfg } from "./pai_cfg";
import { isNeutralSid } from "./sid";
import { isNeutralVcd } from "./vcd";

/** Whether a contrast leaves the logits as they are. DoLa and DeCo never do: their candidates are fewer. */
export function isNeutralContrast(contrast: Contrast): boolean {
  switch (contrast.method) {
    case "vcd":
      return isNeutralVcd(contrast);
    case "apcOnly":
      return isNeutralApcOnly(contrast);
    case "m3id":
      return isNeutralM3id(contrast);
    case "paiCfg":
      return isNeutralPaiCfg(contrast);
    case "icd":
      return isNeutralIcd(contrast);
    case "sid":
      return isNeutralSid(contrast);
    case "dola":
    case "deco":
    case "plugin": // only its author knows
      return false;
  }
}
