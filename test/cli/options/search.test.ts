import { expect, test } from "vitest";
import yargs from "yargs";
import { searchOf, searchOptions } from "../../../src/cli/options/search";
import { parserOf } from "../../../src/cli/parser";
import { beam, greedy, opera, sample } from "../../../src/methods";

function search(...line: string[]) {
  return searchOf(yargs(line).options(searchOptions).parseSync());
}

test.each([
  [[], greedy()],
  [["--beam", "1", "--max-new-tokens", "64"], greedy({ maxNewTokens: 64 })],
  [["--beam", "3"], beam({ numBeams: 3 })],
  [
    ["--search", "beam", "--length-penalty", "0.5", "--early-stopping"],
    beam({ lengthPenalty: 0.5, earlyStopping: true }),
  ],
  [["--search", "sample", "--sample-seed", "7"], sample({ seed: 7 })],
  [
    ["--temperature", "0.7", "--top-p", "0.9", "--top-k", "40", "--min-p", "0.1"],
    sample({ temperature: 0.7, topP: 0.9, topK: 40, minP: 0.1 }),
  ],
  [["--repetition-penalty", "1.2"], sample({ repetitionPenalty: 1.2 })],
  [["--search", "opera", "--opera-mode", "clean"], opera({ mode: "clean" })],
])("%j", (line, expected) => {
  expect(search(...line)).toEqual(expected);
});

test("the released POPE command is OPERA, as its parameters are", () => {
  const line = "--beam 5 --scale-factor 50 --threshold 15 --num-attn-candidates 5 --penalty-weights 1";
  expect(search(...line.split(" "))).toEqual(opera());
});

test.each([
  [["--search", "greedy", "--beam", "5"], "--search greedy takes no --beam"],
  [["--search", "beam", "--temperature", "0.5"], "--search beam takes no --temperature"],
  [["--search", "sample", "--beam", "2"], "--search sample takes no --beam"],
  [["--scale-factor", "50", "--top-p", "0.9"], "--search opera takes no --top-p"],
])("%j is refused", (line, message) => {
  expect(() => search(...line)).toThrow(message);
});

test("flags with underscores are the same flags, their values stay as they are", async () => {
  const line = ["pope-eval", "--data_path=no_such_folder", "--scale_factor", "much"];
  await expect((async () => parserOf(line).parseAsync())()).rejects.toThrow('--scale-factor is "much"');
});
