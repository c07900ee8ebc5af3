import { expect, test } from "vitest";
import { beam, greedy, opera, ParameterError, sample } from "../../src/methods";

test("defaults", () => {
  expect(greedy()).toEqual({ method: "greedy", maxNewTokens: 512 });
  expect(sample()).toEqual({
    method: "sample",
    maxNewTokens: 512,
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: null,
    seed: 0,
  });
  expect(beam()).toEqual({
    method: "beam",
    maxNewTokens: 512,
    numBeams: 5,
    lengthPenalty: 1,
    earlyStopping: false,
    numReturn: 1,
  });
});

test("OPERA's defaults are those of its published commands", () => {
  // --beam 5 --scale_factor 50 --threshold 15 --num_attn_candidates 5 --penalty_weights 1
  expect(opera()).toEqual({
    method: "opera",
    maxNewTokens: 512,
    numBeams: 5,
    lengthPenalty: 1,
    scaleFactor: 50,
    threshold: 15,
    numAttnCandidates: 5,
    penaltyWeights: 1,
    mode: "faithful",
  });
  expect(opera({ numBeams: 8 }).numAttnCandidates).toBe(8);
});

test.each([
  [() => sample({ temperature: 0 }), "sample: temperature is 0"],
  [() => sample({ topP: 1.5 }), "sample: topP is 1.5"],
  [() => sample({ topP: 0 }), "sample: topP is 0"],
  [() => sample({ minP: -0.1 }), "sample: minP is -0.1"],
  [() => sample({ topK: 2.5 }), "sample: topK is 2.5"],
  [() => sample({ repetitionPenalty: 0 }), "sample: repetitionPenalty is 0"],
  [() => sample({ seed: -1 }), "sample: seed is -1"],
  [() => beam({ numBeams: 0 }), "beam: numBeams is 0"],
  [() => beam({ numBeams: 3, numReturn: 4 }), "beam: numReturn is 4; there are only 3 beams"],
  [() => beam({ lengthPenalty: Number.NaN }), "beam: lengthPenalty is NaN"],
  [() => opera({ numBeams: 1 }), "opera: numBeams is 1"],
  [() => opera({ numAttnCandidates: 4 }), "opera: numAttnCandidates is 4, below numBeams (5)"],
  [() => opera({ threshold: 1 }), "opera: threshold is 1"],
  [() => opera({ scaleFactor: 0 }), "opera: scaleFactor is 0"],
  [() => opera({ maxNewTokens: 600 }), "opera: maxNewTokens is 600"],
])("%s is refused", (create, message) => {
  expect(create).toThrow(ParameterError);
  expect(create).toThrow(message);
});

test("clean OPERA has no longest answer", () => {
  expect(opera({ mode: "clean", maxNewTokens: 600 }).maxNewTokens).toBe(600);
});
