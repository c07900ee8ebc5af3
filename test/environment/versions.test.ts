import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/base/package_root";
import { atLeast } from "../../src/environment/versions";

const read = (...path: string[]) => readFileSync(join(packageRoot(), ...path), "utf8");
const pyproject = read("python", "pyproject.toml");
const environment = read("environment.yml");

/** The quoted strings of the list `key = [...]`. */
function tomlList(key: string): string[] {
  const body = pyproject.split(`\n${key} = [`)[1]?.split("\n]")[0] ?? "";
  return [...body.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
}

test("environment.yml and pyproject.toml ask for the same packages", () => {
  const pip = environment.split("- pip:\n")[1] ?? "";
  const listed = [...pip.matchAll(/^ +- (.+)$/gm)].map((match) => match[1]);
  expect(listed.length).toBeGreaterThan(8);
  expect(listed).toEqual(tomlList("dependencies"));
});

test("environment.yml is named aai and asks for the same Python", () => {
  expect(environment).toMatch(/^name: aai$/m);
  const wanted = /^requires-python = "(.+)"$/m.exec(pyproject)?.[1];
  expect(environment).toMatch(new RegExp(`- python${wanted},<`));
});

test("torch is pinned, transformers is 5.17 or later, torchvision is nowhere", () => {
  expect(tomlList("dependencies")).toContain("torch==2.13.0");
  expect(tomlList("dependencies")).toContain("transformers>=5.17,<6");
  expect(tomlList("dependencies").join() + environment).not.toMatch(/torchvision/);
});

test("both halves of the package have one version", () => {
  const { version } = JSON.parse(read("package.json"));
  expect(pyproject).toMatch(new RegExp(`^version = "${version}"$`, "m"));
  expect(read("CITATION.cff")).toMatch(new RegExp(`^version: ${version}$`, "m"));
});

test.each([
  ["2.13.0+cpu", "2.9", true],
  ["2.9", "2.9.0", true],
  ["2.8.9", "2.9", false],
  ["10.0", "9.9", true],
  ["5.17.0", "6", false],
  ["6.0.0rc1", "6", true],
])("atLeast(%s, %s) is %s", (version, minimum, expected) => {
  expect(atLeast(version, minimum)).toBe(expected);
});
