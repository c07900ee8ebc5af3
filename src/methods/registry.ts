import type { About } from "./about";
import { aboutAai } from "./attention/aai";
import { aboutHgai } from "./attention/hgai";
import { aboutPai } from "./attention/pai";
import { aboutVaf } from "./attention/vaf";
import { aboutApcOnly } from "./contrast/apc_only";
import { aboutDeco } from "./contrast/deco";
import { aboutDola } from "./contrast/dola";
import { aboutIcd } from "./contrast/icd";
import { aboutM3id } from "./contrast/m3id";
import { aboutPaiCfg } from "./contrast/pai_cfg";
import { aboutSid } from "./contrast/sid";
import { aboutVcd } from "./contrast/vcd";
import { aboutBeam } from "./search/beam";
import { aboutGreedy } from "./search/greedy";
import { aboutOpera } from "./search/opera";
import { aboutSample } from "./search/sample";

/** Every method of the three axes. */
export const methods: readonly About[] = [
  aboutAai,
  aboutPai,
  aboutHgai,
  aboutVaf,
  aboutVcd,
  aboutApcOnly,
  aboutM3id,
  aboutPaiCfg,
  aboutIcd,
  aboutDola,
  aboutDeco,
  aboutSid,
  aboutGreedy,
  aboutSample,
  aboutBeam,
  aboutOpera,
];

/** Name, default and meaning of each of a method's parameters. */
export function parametersOf({
  parameters,
  defaults,
}: About): { name: string; value: string; meaning: string }[] {
  return Object.entries(parameters).map(([name, meaning]) => {
    const value = defaults[name] ?? null;
    return { name, value: value === null ? "by model" : String(value), meaning };
  });
}
