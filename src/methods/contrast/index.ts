/** The contrast axis: how the logits of several streams, or layers, become those that the search sees. One line a method. */
export { apcOnly } from "./apc_only";
export { deco } from "./deco";
export { dola } from "./dola";
export { icd } from "./icd";
export { m3id } from "./m3id";
export { paiCfg } from "./pai_cfg";
export { sid } from "./sid";
export { vcd } from "./vcd";
