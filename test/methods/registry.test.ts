import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { methods, parametersOf } from "../../src/methods/registry";
import { AttentionParameters, ContrastParameters, SearchParameters } from "../../src/protocol/parameters";

/** A plug-in describes itself. */
const builtIn = <Option extends { shape: { method: { value: string } } }>(options: readonly Option[]) =>
  options.filter(({ shape }) => shape.method.value !== "plugin");
const axes = {
  attention: builtIn(AttentionParameters.options),
  contrast: builtIn(ContrastParameters.options),
  search: builtIn(SearchParameters.options),
};

test.each(Object.entries(axes))(
  "every %s of the protocol is described, parameter by parameter",
  (axis, options) => {
    const described = methods.filter((method) => method.axis === axis);
    expect(described.map(({ name }) => name)).toEqual(options.map(({ shape }) => shape.method.value));
    for (const [index, { name, parameters, defaults }] of described.entries()) {
      const { method, ...fields } = options[index]!.shape as unknown as Record<string, { value: string }>;
      expect(method!.value).toBe(name);
      expect(Object.keys(parameters)).toEqual(Object.keys(fields));
      expect(defaults).toMatchObject({ method: name });
      expect(Object.keys(defaults).sort()).toEqual(["method", ...Object.keys(fields)].sort());
    }
  },
);

test("a default that waits for the model is told as such", () => {
  const pai = methods.find(({ name }) => name === "pai")!;
  expect(parametersOf(pai).map(({ name, value }) => [name, value])).toEqual([
    ["alpha", "by model"],
    ["layers", "by model"],
    ["warmup", "-1"],
    ["imageKeys", "by model"],
  ]);
});

test("the documented table of departures has every published method", () => {
  const page = readFileSync(join(__dirname, "../../docs/methods.md"), "utf8");
  const table = page.split("## Paper, released code, and here")[1]!.split("\n## ")[0]!;
  const own = ["apcOnly", "greedy", "sample", "beam"]; // a control, and what transformers' generate does
  for (const { name } of methods.filter((method) => !own.includes(method.name)))
    expect(table).toMatch(new RegExp(`^\\| \`${name}\` \\| .+ \\|$`, "m"));
});

test("one file per method on both sides", () => {
  const root = join(__dirname, "../..");
  for (const { axis, name } of methods) {
    const file = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(readdirSync(join(root, "src/methods", axis))).toContain(`${file}.ts`);
    expect(readdirSync(join(root, "python/aai_worker", axis))).toContain(`${file}.py`);
  }
});
