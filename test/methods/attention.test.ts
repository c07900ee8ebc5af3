import { expect, test } from "vitest";
import { aai, hgai, pai, vaf } from "../../src/methods";
import { resolveAttention } from "../../src/methods/registry";

const llava7b = { family: "llava", layers: 32 };
const small = { family: "other", layers: 6 };

test("published defaults", () => {
  expect(resolveAttention(aai(), llava7b)).toMatchObject({ alpha: 0.3, beta: 1, layers: [2, 32], warmup: 5 });
  expect(resolveAttention(pai(), llava7b)).toMatchObject({ alpha: 0.5, layers: [2, 32], warmup: -1 });
  expect(resolveAttention(hgai(), llava7b)).toMatchObject({ alpha: 0.5, layers: [5, 19] });
  const published = { enhance: 1.15, suppress: 0.95, layers: [9, 15], queries: "behindImage" };
  expect(resolveAttention(vaf(), llava7b)).toMatchObject(published);
});

test("PAI's alpha is the family's unless given", () => {
  const alpha = (method: ReturnType<typeof pai>, family: string) =>
    resolveAttention(method, { family, layers: 32 });
  expect(alpha(pai(), "shikra")).toMatchObject({ alpha: 0.6 });
  expect(alpha(pai(), "minigpt4")).toMatchObject({ alpha: 0.2 });
  expect(alpha(pai(), "qwen")).toMatchObject({ alpha: 0.2 });
  expect(alpha(pai({ alpha: 0 }), "llava")).toMatchObject({ alpha: 0 });
});

test("published layers are never scaled in silence", () => {
  expect(() => resolveAttention(hgai(), small)).toThrow(
    "hgai: its published layers [5, 19) are those of a decoder with 32 layers; this model has 6. Give layers: the " +
      "same share of them would be [0, 4).",
  );
  expect(() => resolveAttention(vaf(), small)).toThrow("would be [1, 3)");
  expect(resolveAttention(vaf({ layers: [1, 3] }), small)).toMatchObject({ layers: [1, 3] });
  expect(resolveAttention(pai(), small)).toMatchObject({ layers: [2, 6] });
});

test("a wrong parameter is named", () => {
  expect(() => vaf({ enhance: Number.NaN })).toThrow("vaf: enhance is NaN.");
  expect(() => hgai({ layers: [-1, 3] })).toThrow("hgai: layers.0 is -1.");
  expect(() => pai({ alpha: "much" as never })).toThrow('pai: alpha is "much".');
});
