/** The contrast axis: how the logits of several streams become those that the search sees. */
import { type ApcOnly, type ApcOnlyOptions, apcOnly } from "./apc_only";
import { type M3id, type M3idOptions, m3id } from "./m3id";
import { type PaiCfg, type PaiCfgOptions, paiCfg } from "./pai_cfg";
import { type Vcd, type VcdOptions, vcd } from "./vcd";

/** Every contrast by its name. */
export const contrasts = { vcd, apcOnly, m3id, paiCfg };

export type Contrast = ReturnType<(typeof contrasts)[keyof typeof contrasts]>;

export {
  type ApcOnly,
  type ApcOnlyOptions,
  apcOnly,
  type M3id,
  type M3idOptions,
  m3id,
  type PaiCfg,
  type PaiCfgOptions,
  paiCfg,
  type Vcd,
  type VcdOptions,
  vcd,
};
