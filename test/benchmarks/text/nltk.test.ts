import { describe, expect, it } from "vitest";
import { lemma, partOfSpeech } from "../../../src/benchmarks/text/lemma";
import { tag } from "../../../src/benchmarks/text/tagger";
import { tokenize } from "../../../src/benchmarks/text/tokens";
import { fixture } from "../../fixtures/unpack";

interface Case {
  text: string;
  nltk: [token: string, tag: string, lemma: string][];
}

const cases: Case[] = fixture("chair/nltk.jsonl")
  .split("\n")
  .map((line) => JSON.parse(line));

describe("reading text as NLTK does (golden: NLTK 3.10 on 500 odd texts)", () => {
  it("finds the same tokens, tags and lemmas", () => {
    for (const { text, nltk } of cases) {
      const tokens = tokenize(text.toLowerCase()).map((token) => token.text);
      const tags = tag(tokens);
      const read = tokens.map((token, i) => [token, tags[i], lemma(token, partOfSpeech(tags[i]!))]);
      expect(read, text).toEqual(nltk);
    }
  });

  it("knows where in the text every token stands", () => {
    for (const { text } of cases) {
      const lower = text.toLowerCase();
      let end = 0;
      for (const token of tokenize(lower)) {
        expect(lower.slice(end, token.start).trim(), text).toBe("");
        const written = lower.slice(token.start, token.end);
        expect([token.text, ...(token.text === "``" || token.text === "''" ? ['"', "''"] : [])]).toContain(
          written,
        );
        end = token.end;
      }
      expect(lower.slice(end).trim(), text).toBe("");
    }
  });
});
