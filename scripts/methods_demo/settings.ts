/** Every method as it runs on the demo checkpoint, and the combinations that people compare. */
import {
  type Attention,
  type AttentionMethod,
  aai,
  apcOnly,
  beam,
  type Contrast,
  deco,
  dola,
  greedy,
  hgai,
  icd,
  m3id,
  none,
  opera,
  pai,
  paiCfg,
  paint,
  type Search,
  sample,
  sid,
  vaf,
  vcd,
} from "../../src/index";
import { methods } from "../../src/methods/registry";

export interface Setting {
  name: string;
  attention: Attention;
  contrast: Contrast | undefined;
  search: Search;
}

type Parts = Partial<Pick<Setting, "attention" | "contrast" | "search">>;

/** The published strength of an edit whose effect on this checkpoint the demo's own table shows, and a milder one. */
const milder = 0.1;
/** Published layers are those of 32-layer decoders: the same share of the demo's 6. */
const layers = { hgai: [0, 4], vaf: [1, 3], deco: [3, 5] } as const;
/** As 50 to LLaVA-1.5's 576 image tokens: the demo has 64. */
const keep = 6;

const longest = 96;

/** Everything is compared with the first of them. */
export const captionSettings: readonly Setting[] = [
  {},
  { attention: aai() },
  { attention: aai({ alpha: milder }) },
  { attention: pai() },
  { attention: hgai({ layers: layers.hgai }) },
  { attention: vaf({ layers: layers.vaf }) },
  { attention: paint() },
  ...everyContrast().map((contrast) => ({ contrast })),
  { attention: pai(), contrast: paiCfg() },
  { search: beam({ maxNewTokens: longest }) },
  { search: opera({ maxNewTokens: longest }) },
  { search: opera({ maxNewTokens: longest, mode: "clean" }) },
  { attention: aai({ alpha: milder }), search: beam({ maxNewTokens: longest }) },
  { attention: aai({ alpha: milder }), search: opera({ maxNewTokens: longest }) },
  ...sampled(longest),
].map((parts) => setting(longest, parts));

const word = 4;

/** As above for answers of one word: AAI's edits begin at once there, or they would come too late. */
export const answerSettings: readonly Setting[] = [
  {},
  { attention: aai({ warmup: -1 }) },
  { attention: aai({ alpha: milder, warmup: -1 }) },
  { attention: pai() },
  { attention: hgai({ layers: layers.hgai }) },
  { attention: vaf({ layers: layers.vaf }) },
  { attention: paint() },
  ...everyContrast().map((contrast) => ({ contrast })),
  { attention: pai(), contrast: paiCfg() },
  { search: beam({ maxNewTokens: word }) },
  { search: opera({ maxNewTokens: word }) },
  ...sampled(word),
].map((parts) => setting(word, parts));

/** The control of contrasts under sampling: what their plausibility constraint does alone. */
export const control = nameOf({ contrast: apcOnly(), search: sample() });

function everyContrast(): Contrast[] {
  return [apcOnly(), ...constrained(), dola(), deco({ layers: layers.deco })];
}

/** Those that use the plausibility constraint. */
function constrained(): Contrast[] {
  return [vcd(), m3id(), paiCfg(), icd(), sid({ keep })];
}

function sampled(maxNewTokens: number): Parts[] {
  const search = sample({ maxNewTokens });
  return [{ search }, ...[apcOnly(), ...constrained()].map((contrast) => ({ search, contrast }))];
}

function setting(maxNewTokens: number, parts: Parts): Setting {
  const { attention = none, contrast, search = greedy({ maxNewTokens }) } = parts;
  return { name: nameOf(parts), attention, contrast, search };
}

/** As a script would write it: `pai() + paiCfg()`; what is left at its default is left out. */
function nameOf({ attention = none, contrast, search }: Parts): string {
  const edits = attention === none ? [] : ([attention].flat() as AttentionMethod[]);
  const parts = [...edits.map(({ parameters }) => parameters), contrast, search];
  return parts.flatMap((part) => (part ? [callOf(part)] : [])).join(" + ") || "greedy()";
}

function callOf({ method, ...parameters }: { method: string; [parameter: string]: unknown }): string {
  const defaults: Record<string, unknown> = methods.find(({ name }) => name === method)!.create({});
  const given = Object.entries(parameters).filter(
    ([name, value]) => name !== "maxNewTokens" && JSON.stringify(value) !== JSON.stringify(defaults[name]),
  );
  const literal = (value: unknown) => JSON.stringify(value).replaceAll(",", ", ");
  const text = given.map(([name, value]) => `${name}: ${literal(value)}`).join(", ");
  return text ? `${method}({ ${text} })` : `${method}()`;
}
