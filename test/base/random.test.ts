import { describe, expect, it } from "vitest";
import { seededRandom, shuffled } from "../../src/base/random";

describe("seededRandom", () => {
  it("is xoshiro128**", () => {
    // From the authors' C code (prng.di.unimi.it), transcribed to Python, on the state of seed 0.
    const random = seededRandom(0);
    const draws = [1, 2, 3, 4].map(() => random.below(2 ** 32));
    expect(draws).toEqual([1789933344, 44971166, 2521387044, 3848737593]);
  });

  it("draws every number equally often", () => {
    const random = seededRandom(5);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.9); // 99.9 % point of chi-square with 9 degrees of freedom
  });

  it("shuffles without bias: every item is first equally often", () => {
    const random = seededRandom(6);
    const first = new Array<number>(5).fill(0);
    for (let i = 0; i < 50_000; i++) first[shuffled([0, 1, 2, 3, 4], random)[0]!]!++;
    const chiSquare = first.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(18.5); // 99.9 %, 4 degrees of freedom
  });

  it("refuses a seed it would have to round", () => {
    expect(() => seededRandom(0.5)).toThrow("The seed is 0.5");
    expect(() => seededRandom(-1)).toThrow("The seed is -1");
  });
});
