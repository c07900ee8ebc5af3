import { expect, test } from "vitest";
import { apcOnly, deco, dola, icd, m3id, paiCfg, sid, vcd } from "../../src/methods";
import { resolveContrast } from "../../src/methods/registry";

const llava7b = { family: "llava", layers: 32 };
const small = { family: "llava", layers: 6 };

test("published defaults", () => {
  expect(vcd()).toEqual({ method: "vcd", alpha: 1, beta: 0.1, noiseStep: 500, seed: 42 });
  expect(apcOnly()).toEqual({ method: "apcOnly", beta: 0.1 });
  expect(m3id()).toEqual({ method: "m3id", decay: 0.02, firstStep: 1, beta: 0.1 });
  expect(paiCfg()).toEqual({ method: "paiCfg", gamma: 1.1, beta: 0.1 });
  expect(icd()).toMatchObject({ alpha: 1, beta: 0.1, disturbance: "You are a confused object detector." });
  expect(sid()).toEqual({ method: "sid", alpha: 1, beta: 0.1, keep: 50, layer: 2 });
  expect(resolveContrast(deco(), llava7b)).toEqual({
    method: "deco",
    alpha: 0.6,
    layers: [20, 29],
    topP: 0.9,
    maxCandidates: 20,
  });
});

/** As `--early-exit-layers` of the authors' README has them, less the last layer. */
const releasedLow = "0,2,4,6,8,10,12,14,16,18";
test.each([
  [32, "0,2,4,6,8,10,12,14", "16,18,20,22,24,26,28,30"],
  [40, releasedLow, "20,22,24,26,28,30,32,34,36,38"],
  [60, releasedLow, "40,42,44,46,48,50,52,54,56,58"],
  [80, releasedLow, "60,62,64,66,68,70,72,74,76,78"],
  [6, "0,2", "3,5"],
  [35, "0,2,4,6,8,10,12,14,16", "17,19,21,23,25,27,29,31,33"],
])("DoLa's early exits of a decoder with %i layers", (count, low, high) => {
  const layers = (parameters: ReturnType<typeof dola>) => {
    const resolved = resolveContrast(parameters, { family: "llava", layers: count });
    return resolved.method === "dola" && resolved.layers.join();
  };
  expect(layers(dola())).toBe(low);
  expect(layers(dola({ layers: "high" }))).toBe(high);
  expect(layers(dola({ layers: [1, 5] }))).toBe("1,5");
});

test("DeCo's published layers are never scaled in silence", () => {
  expect(() => resolveContrast(deco(), small)).toThrow("deco: its published layers [20, 29)");
  expect(resolveContrast(deco({ layers: [3, 5] }), small)).toMatchObject({ layers: [3, 5] });
});

test("a wrong parameter is named", () => {
  expect(() => vcd({ noiseStep: 1000 })).toThrow("vcd: noiseStep is 1000. It may be 999 at most.");
  expect(() => vcd({ noiseStep: 0.5 })).toThrow("vcd: noiseStep is 0.5.");
  expect(() => vcd({ alpha: Number.POSITIVE_INFINITY })).toThrow("vcd: alpha is Infinity.");
  expect(() => paiCfg({ beta: 2 })).toThrow("paiCfg: beta is 2. It is a share, 0 to 1 (0 = off).");
  expect(() => apcOnly({ beta: -0.1 })).toThrow("apcOnly: beta is -0.1.");
  expect(() => dola({ layers: "middle" as never })).toThrow('dola: layers is "middle".');
  expect(() => dola({ relativeTop: 2 })).toThrow("dola: relativeTop is 2.");
  expect(() => deco({ topP: 0 })).toThrow("deco: topP is 0.");
  expect(() => sid({ keep: 0 })).toThrow("sid: keep is 0.");
  expect(() => m3id({ decay: Number.NaN })).toThrow("m3id: decay is NaN.");
  expect(() => m3id({ firstStep: -1 })).toThrow("m3id: firstStep is -1.");
});
