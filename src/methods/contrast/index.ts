/** The contrast axis: how the logits of several streams, or layers, become those that the search sees. */
import { type ApcOnly, type ApcOnlyOptions, apcOnly } from "./apc_only";
import { type Deco, type DecoOptions, deco } from "./deco";
import { type Dola, type DolaOptions, dola } from "./dola";
import { type Icd, type IcdOptions, icd } from "./icd";
import { type M3id, type M3idOptions, m3id } from "./m3id";
import { type PaiCfg, type PaiCfgOptions, paiCfg } from "./pai_cfg";
import type { PluginContrast, PluginContrastOptions } from "./plugin";
import { type Sid, type SidOptions, sid } from "./sid";
import { type Vcd, type VcdOptions, vcd } from "./vcd";

/** Every built-in contrast by its name. */
export const contrasts = { vcd, apcOnly, m3id, paiCfg, icd, dola, deco, sid };

export type Contrast = ReturnType<(typeof contrasts)[keyof typeof contrasts]> | PluginContrast;

export {
  type ApcOnly,
  type ApcOnlyOptions,
  apcOnly,
  type Deco,
  type DecoOptions,
  type Dola,
  type DolaOptions,
  deco,
  dola,
  type Icd,
  type IcdOptions,
  icd,
  type M3id,
  type M3idOptions,
  m3id,
  type PaiCfg,
  type PaiCfgOptions,
  type PluginContrast,
  type PluginContrastOptions,
  paiCfg,
  type Sid,
  type SidOptions,
  sid,
  type Vcd,
  type VcdOptions,
  vcd,
};
