import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  NotConvertedError,
  publishedModels,
  rememberModel,
  resolveModel,
} from "../../src/environment/published_models";

const folder = mkdtempSync(join(tmpdir(), "published-"));
const env = { XDG_CONFIG_HOME: join(folder, "config") };
afterAll(() => rmSync(folder, { recursive: true }));

test("what is no name of a published model is taken as it is", () => {
  expect(resolveModel("llava-hf/llava-1.5-7b-hf", env)).toBe("llava-hf/llava-1.5-7b-hf");
  expect(resolveModel("/some/folder", env)).toBe("/some/folder");
});

test.each(Object.keys(publishedModels))(
  "%s that is not here is refused with its downloads and the command",
  (name) => {
    expect(() => resolveModel(name, env)).toThrow(NotConvertedError);
    const { downloads } = publishedModels[name]!;
    for (const { what, size, option } of downloads) {
      expect(() => resolveModel(name, env)).toThrow(new RegExp(`${size}  ${what.slice(0, 12)}`));
      expect(() => resolveModel(name, env)).toThrow(new RegExp(`aai convert ${name} .*--${option} `));
    }
  },
);

test("a converted model is found by name, until its folder is gone", () => {
  const converted = join(folder, "shikra");
  mkdirSync(converted);
  writeFileSync(join(converted, "config.json"), "{}");
  rememberModel("shikra", converted, env);
  rememberModel("minigpt4", join(folder, "elsewhere"), env);
  expect(resolveModel("shikra", env)).toBe(converted);
  expect(() => resolveModel("minigpt4", env)).toThrow(/elsewhere, where it was, is no longer there/);
  const file = join(env.XDG_CONFIG_HOME, "align-attention", "models.json");
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")))).toEqual(["shikra", "minigpt4"]);

  writeFileSync(file, "[1, {");
  expect(() => resolveModel("shikra", env)).toThrow(NotConvertedError);
  rememberModel("shikra", converted, env);
  expect(resolveModel("shikra", env)).toBe(converted);
});
