import { describe, expect, it } from "vitest";
import { lemma, partOfSpeech } from "../../../src/benchmarks/text/lemma";
import { tag } from "../../../src/benchmarks/text/tagger";
import { tokenize } from "../../../src/benchmarks/text/tokens";
import { fixture } from "../../fixtures/unpack";

interface Case {
  text: string;
  nltk: [token: string, tag: string, lemma: string][];
}

const cases = (name: string): Case[] =>
  fixture(name)
    .split("\n")
    .map((line) => JSON.parse(line));
const lowerCased = cases("chair/nltk.jsonl").map(({ text, nltk }) => ({ text: text.toLowerCase(), nltk }));
const asWritten = cases("amber/nltk.jsonl");

describe("reading text as NLTK does (golden: NLTK 3.10 on 500 odd texts in lower case, 400 as written)", () => {
  it("finds the same tokens and tags", () => {
    for (const { text, nltk } of [...lowerCased, ...asWritten]) {
      const tokens = tokenize(text).map((token) => token.text);
      const tags = tag(tokens);
      expect(
        tokens.map((token, i) => [token, tags[i]]),
        text,
      ).toEqual(nltk.map(([token, tag]) => [token, tag]));
    }
  });

  it("finds the same lemmas", () => {
    for (const [token, tag, expected] of lowerCased.flatMap(({ nltk }) => nltk))
      expect(lemma(token, partOfSpeech(tag)), token).toBe(expected);
  });

  it("knows where in the text every token stands", () => {
    for (const { text } of [...lowerCased, ...asWritten]) {
      let end = 0;
      for (const token of tokenize(text)) {
        expect(text.slice(end, token.start).trim(), text).toBe("");
        const written = text.slice(token.start, token.end);
        expect([token.text, ...(token.text === "``" || token.text === "''" ? ['"', "''"] : [])]).toContain(
          written,
        );
        end = token.end;
      }
      expect(text.slice(end).trim(), text).toBe("");
    }
  });
});
