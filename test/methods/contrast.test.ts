import { expect, test } from "vitest";
import { apcOnly, m3id, paiCfg, vcd } from "../../src/methods";

test("published defaults", () => {
  expect(vcd()).toEqual({ method: "vcd", alpha: 1, beta: 0.1, noiseStep: 500, seed: 42 });
  expect(apcOnly()).toEqual({ method: "apcOnly", beta: 0.1 });
  expect(m3id()).toEqual({ method: "m3id", decay: 0.02, beta: 0.1 });
  expect(paiCfg()).toEqual({ method: "paiCfg", gamma: 1.1, beta: 0.1 });
});

test("a wrong parameter is named", () => {
  expect(() => vcd({ noiseStep: 1000 })).toThrow("vcd: noiseStep is 1000. It may be 999 at most.");
  expect(() => vcd({ noiseStep: 0.5 })).toThrow("vcd: noiseStep is 0.5.");
  expect(() => vcd({ alpha: Number.POSITIVE_INFINITY })).toThrow("vcd: alpha is Infinity.");
  expect(() => paiCfg({ beta: 2 })).toThrow("paiCfg: beta is 2. It is a share, 0 to 1 (0 = off).");
  expect(() => apcOnly({ beta: -0.1 })).toThrow("apcOnly: beta is -0.1.");
  expect(() => m3id({ decay: Number.NaN })).toThrow("m3id: decay is NaN.");
});
