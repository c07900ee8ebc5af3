import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { findPython, NoPythonError } from "../../src/environment/python";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aai-python-"));
});

function makeFile(...parts: string[]): string {
  const file = join(root, ...parts);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  return file;
}

function record(text: string): void {
  mkdirSync(join(root, ".aai"), { recursive: true });
  writeFileSync(join(root, ".aai", "environment.json"), text);
}

test("AAI_PYTHON comes first, as a path or a command name", () => {
  record(JSON.stringify({ python: makeFile("recorded") }));
  const given = makeFile("given");
  expect(findPython(root, { AAI_PYTHON: given })).toEqual({ python: given, source: "AAI_PYTHON" });
  expect(findPython(root, { AAI_PYTHON: "python3" }).python).toBe("python3");
});

test("an AAI_PYTHON that does not exist is an error, not skipped", () => {
  record(JSON.stringify({ python: makeFile("recorded") }));
  expect(() => findPython(root, { AAI_PYTHON: "/nowhere/python" })).toThrow(
    /AAI_PYTHON is \/nowhere\/python/,
  );
});

test("what set-up recorded comes before .venv", () => {
  const venv = makeFile(
    ".venv",
    ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]),
  );
  expect(findPython(root, {})).toEqual({ python: venv, source: ".venv" });
  const recorded = makeFile("recorded");
  record(JSON.stringify({ python: recorded, kind: "conda" }));
  expect(findPython(root, {})).toEqual({ python: recorded, source: ".aai/environment.json" });
});

test.each(["not json", "{}", '{"python": 3}', '{"python": "/gone/python"}'])(
  "the record %s is passed over",
  (text) => {
    record(text);
    expect(() => findPython(root, {})).toThrow(NoPythonError);
  },
);

test("without any the error says what to run", () => {
  expect(() => findPython(root, {})).toThrow(/npx aai setup.*AAI_PYTHON/s);
});
