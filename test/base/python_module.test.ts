import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { moduleArguments } from "../../src/base/python_module";
import { findPython } from "../../src/environment/python";

const folder = mkdtempSync(join(tmpdir(), "python-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a module runs, and no file of the working folder stands in for a package", () => {
  const names = ["json", "runpy", "argparse", "re", "torch", "numpy"];
  for (const name of names)
    writeFileSync(join(folder, `${name}.py`), `open(${JSON.stringify(join(folder, `${name} ran`))}, "w")`);
  const { PYTHONSAFEPATH: _, ...env } = process.env;
  const { stdout, stderr, status } = spawnSync(
    findPython().python,
    moduleArguments("json.tool", "--compact"),
    {
      ...{ cwd: folder, env, encoding: "utf8", input: '{ "a": 1 }' },
    },
  );
  expect([stdout.trim(), stderr, status]).toEqual(['{"a":1}', "", 0]);
  expect(readdirSync(folder).filter((name) => name.endsWith("ran"))).toEqual([]);
});
