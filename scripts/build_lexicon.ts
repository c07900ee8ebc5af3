/**
 * Builds assets/text/: what reading English as NLTK does takes. Each table is built where its folder is given.
 *
 *   npx ts-node scripts/build_lexicon.ts --tagger DIR --punkt DIR --wordnet /usr/share/wordnet
 *
 * --tagger   averaged_perceptron_tagger_eng.{weights,tagdict,classes}.json (NLTK data)
 * --punkt    the english folder of NLTK's punkt_tab (abbrev_types.txt, collocations.tab, ortho_context.tab)
 * --wordnet  WordNet 3.0's index.* and *.exc (Debian: wordnet-base)
 *
 * Provenance and licences: assets/text/README.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";

const FEATURES = [
  ...["bias", "i suffix", "i pref1", "i-1 tag", "i-2 tag", "i tag+i-2 tag", "i word", "i-1 tag+i word"],
  ...["i-1 word", "i-1 suffix", "i-2 word", "i+1 word", "i+1 suffix", "i+2 word"],
];

const { tagger, punkt, wordnet } = parseArgs({
  options: { tagger: { type: "string" }, punkt: { type: "string" }, wordnet: { type: "string" } },
}).values;
if (!tagger && !punkt && !wordnet) throw new Error("build_lexicon needs --tagger, --punkt or --wordnet.");

if (tagger) save("tagger", readTagger(tagger));
if (punkt) save("punkt", readPunkt(punkt));
if (wordnet) save("wordnet", readWordnet(wordnet));

/** Columns instead of nested objects: the same numbers, a third of the size. Weights are thousandths. */
function readTagger(folder: string): object {
  const read = (part: string) =>
    JSON.parse(readFileSync(join(folder, `averaged_perceptron_tagger_eng.${part}.json`), "utf8"));
  const tags: string[] = read("classes").sort();
  const weights: Record<string, Record<string, number>> = read("weights");
  const longestFirst = [...FEATURES].sort((a, b) => b.length - a.length);
  const nameOf = (feature: string) =>
    longestFirst.find((name) => feature === name || feature.startsWith(`${name} `))!;
  const features: Record<string, string[]> = Object.fromEntries(FEATURES.map((name) => [name, []]));
  for (const feature of Object.keys(weights).sort()) features[nameOf(feature)]!.push(feature);
  const columns = { counts: [] as number[], tagIndices: [] as number[], weights: [] as number[] };
  for (const feature of FEATURES.flatMap((name) => features[name]!)) {
    const entries = Object.entries(weights[feature]!).sort(([a], [b]) => (a < b ? -1 : 1));
    columns.counts.push(entries.length);
    for (const [tag, weight] of entries) {
      columns.tagIndices.push(tags.indexOf(tag));
      columns.weights.push(Math.round(weight * 1000));
    }
  }
  const values = FEATURES.map((name) => [
    name,
    features[name]!.map((feature) => feature.slice(name.length + 1)),
  ]);
  return { tags, features: Object.fromEntries(values), ...columns, tagOf: read("tagdict") };
}

/** Of Punkt's orthographic contexts, bits of where a type was seen in which case, the types by their bits. */
function readPunkt(folder: string): object {
  const contexts: Record<string, string[]> = {};
  for (const line of lines(join(folder, "ortho_context.tab")).sort()) {
    const [type, bits] = line.split("\t") as [string, string];
    contexts[bits] = [...(contexts[bits] ?? []), type];
  }
  return {
    abbreviations: lines(join(folder, "abbrev_types.txt")).sort(),
    collocations: lines(join(folder, "collocations.tab")).sort(),
    starters: lines(join(folder, "sent_starters.txt")).sort(),
    contexts,
  };
}

/** Per part of speech: the single-word lemmas and the exception list (form -> lemmas). */
function readWordnet(folder: string): object {
  const partOfSpeech = (name: string) => ({
    lemmas: lines(join(folder, `index.${name}`))
      .filter((line) => !line.startsWith(" "))
      .map((line) => line.split(" ")[0]!)
      .filter((lemma) => !lemma.includes("_"))
      .sort(),
    exceptions: Object.fromEntries(
      lines(join(folder, `${name}.exc`))
        .map((line) => line.trim().split(/\s+/))
        .filter(([form]) => !form!.includes("_"))
        .map(([form, ...lemmas]) => [form, lemmas]),
    ),
  });
  return { n: partOfSpeech("noun"), v: partOfSpeech("verb"), a: partOfSpeech("adj"), r: partOfSpeech("adv") };
}

function lines(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function save(name: string, data: object): void {
  const json = Buffer.from(JSON.stringify(data));
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: json.length };
  const packed = brotliCompressSync(json, { params });
  writeFileSync(join(__dirname, `../assets/text/${name}.json.br`), packed);
  console.log(`${name}: ${json.length} -> ${packed.length} bytes`);
}
